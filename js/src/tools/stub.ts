import { objected } from "../core/objection";

/**
 * The queue for calls that come before the snippet, in a file of its own: for pages that may have no inline script. It
 * must not be `async`. Methods are calls too, by `$` and their name; an objection holds at once, whatever comes of them.
 */
window.footfall ||= (...call) => {
  window.footfall.q ||= [] as unknown as Calls;
  window.footfall.q.push(call);
};
window.footfall.optOut ||= objected;
window.footfall.ignoreMe ||= objected;
(["consent", "page"] as const).forEach((name) => {
  window.footfall[name] ||= (value?: unknown) => window.footfall(`$${name}`, value as never);
});
