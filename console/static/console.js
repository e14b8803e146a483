// What a page does beyond links and forms. Every page can be read and used without this file.

// Relative times count on by themselves.
function ago(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

function countOn() {
  for (const time of document.querySelectorAll("time[data-since]")) {
    const text = ago(Date.now() - Number(time.dataset.since));
    if (time.textContent !== text) time.textContent = text;
  }
}

// What a screen reader is told of numbers that change by themselves: at most once a minute, and only what is new.
const QUIET_MS = 60_000;
let toldAt = Date.now();
let told = document.getElementById("main")?.dataset.announce ?? "";

function announce(atOnce) {
  const text = document.getElementById("main")?.dataset.announce ?? "";
  if (text === told || (!atOnce && Date.now() - toldAt < QUIET_MS)) return;
  told = text;
  toldAt = Date.now();
  document.getElementById("announce").textContent = text;
}

// Menus close with Escape, with a click elsewhere, and when another one opens.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details.menu"));
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// A page that nobody looks at, or in which somebody chooses from a menu, is not renewed under their hands.
document.addEventListener("htmx:config:request", (event) => {
  if (!event.target.matches("#look")) return;
  if (document.hidden || document.querySelector("details.menu[open]")) event.preventDefault();
});

// Whoever chose a filter or a range is told what came of it, and keeps a place to go on from.
let chosen = false;
document.addEventListener("htmx:before:request", (event) => {
  chosen = !event.target.matches("#look");
  if (chosen) document.documentElement.classList.add("busy");
});
document.addEventListener("htmx:finally:request", () => document.documentElement.classList.remove("busy"));
document.addEventListener("htmx:after:swap", () => {
  if (chosen) {
    closeMenus();
    if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
  }
  announce(chosen);
  chosen = false;
  countOn();
});

// Values of the chart beside the pointer.
function pointedAt(event) {
  const point = event.target.closest?.(".point");
  const chart = event.target.closest?.("[data-chart]");
  for (const tip of document.querySelectorAll(".tip")) {
    if (!point || tip.parentElement !== chart) tip.remove();
  }
  if (!point || !chart) return;
  point.querySelector("title")?.remove(); // the browser's own tip, for pages without this script
  const tip = chart.querySelector(".tip") ?? chart.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true");
  const lines = [["tip-name", point.dataset.name], ["tip-value", point.dataset.value]];
  if (point.dataset.before) lines.push(["tip-note", `before: ${point.dataset.before}`]);
  if ("provisional" in point.dataset) lines.push(["tip-note", "provisional"]);
  tip.replaceChildren(
    ...lines.map(([name, text]) => {
      const line = document.createElement("span");
      line.className = name;
      line.textContent = text;
      return line;
    }),
  );
  const dot = point.querySelector(".dot").getBoundingClientRect();
  const frame = chart.getBoundingClientRect();
  const left = Math.min(Math.max(dot.x + dot.width / 2 - frame.x - tip.offsetWidth / 2, 0), frame.width - tip.offsetWidth);
  tip.style.left = `${left}px`;
  tip.style.top = `${Math.max(0, dot.y - frame.y - tip.offsetHeight - 10)}px`;
}
document.addEventListener("pointermove", pointedAt);
document.addEventListener("pointerdown", pointedAt);

// Copy the text of a field, where the browser allows it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Selected: copy it now";
  }
});

// The browser knows its time zone better than a list does.
for (const zone of document.querySelectorAll("[data-own-zone]")) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own && !zone.value) zone.value = own;
}

countOn();
setInterval(countOn, 1000);
document.documentElement.classList.add("scripted");
