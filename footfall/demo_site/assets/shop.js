// The shop's own script. It shows how a site calls footfall: a queue that works before the snippet has arrived.
"use strict";

window.footfall =
  window.footfall ||
  function (...call) {
    (window.footfall.q = window.footfall.q || []).push(call);
  };

/** An order counts once: not again when its page is reloaded or come back to. */
function countOrder() {
  const order = document.querySelector("[data-order]");
  const [arrival] = performance.getEntriesByType("navigation");
  if (order && (!arrival || arrival.type === "navigate")) {
    const { item, revenue, currency } = order.dataset;
    window.footfall("purchase", { props: { item, revenue: Number(revenue), currency } });
  }
}

function answerButtons() {
  document.querySelector("[data-signup]")?.addEventListener("click", (event) => {
    window.footfall("newsletter", { props: { place: event.target.dataset.signup } });
    document.querySelector("[data-said]").textContent = "Counted as a newsletter sign-up. No address was asked for.";
  });
  document.querySelector("[data-fail]")?.addEventListener("click", () => {
    document.querySelector("[data-said]").textContent = "A script has just failed, as it should here.";
    throw new Error("The demo's script failed on purpose");
  });
}

countOrder();
answerButtons();
