/**
 * Calls that work before the snippet has come, and on a server do nothing. Nothing runs on import.
 */

/** The page's function, or a queue in its place until the snippet comes; undefined on a server. */
const there = () => {
  if (typeof window === "undefined") return undefined;
  window.footfall ||= (...call) => {
    window.footfall.q ||= [];
    window.footfall.q.push(call);
  };
  return window.footfall;
};

/** Objects, or takes it back: it holds at once and on later pages, whether the snippet ever comes or not. */
const object = (undo) => {
  const page = there();
  // biome-ignore lint/suspicious/noDocumentCookie: the cookie store is not in every browser that we serve.
  if (page) document.cookie = `ff_optout=o;path=/;max-age=${(page.optout = undo !== false) ? 34560000 : 0}`;
};

/** Records an event. */
export const footfall = /* @__PURE__ */ Object.assign((name, options) => there()?.(name, options), {
  consent: (choice) => there()?.("$consent", choice),
  optOut: object,
  ignoreMe: object,
  page: () => there()?.("$page"),
  show: () => Promise.resolve(there()?.show?.() ?? []),
});

/** Loads the snippet, once: `install("https://stats.shop.example/js/4f8a2c7e91d04b3f.js")`. */
export const install = (src) => {
  if (!there() || [...document.scripts].some((script) => script.src === src)) return;
  const script = document.createElement("script");
  script.async = true;
  script.src = src;
  document.head.append(script);
};
