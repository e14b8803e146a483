// The care guide as a single-page application: the address changes by the History API, no page is loaded. Without this
// script every topic is an ordinary page.
"use strict";

const topics = [...document.querySelectorAll("[data-topic]")];
const links = [...document.querySelectorAll("[data-route]")];

function show(path, focus) {
  const shown = topics.find((topic) => topic.dataset.topic === path) || topics[0];
  for (const topic of topics) topic.hidden = topic !== shown;
  for (const link of links) {
    if (link.dataset.route === shown.dataset.topic) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = shown.dataset.title;
  if (focus) shown.querySelector("h2").focus();
}

for (const link of links) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if (link.dataset.route === location.pathname) return;
    history.pushState(null, "", link.href);
    show(link.dataset.route, true);
  });
}
addEventListener("popstate", () => show(location.pathname, false));
