import type { Part } from "../types";

/** What is never read: what a visitor writes, and what the page marks as private. */
const PRIVATE = "[contenteditable],[data-footfall-private]";
/** Longer texts are no labels. */
const TEXT = 2e3;
/** The wire takes more; a label says what it is in less. */
const LONGEST = 100;
/** How often a changing page is looked over, ms. */
const PACE = 300;

/** Names elements for other parts, finds them in events, and watches for those that come later. */
export const element: Part = (core) => {
  const up = (from: Element | null, selector: string): Element | null =>
    from && (from.closest(selector) ?? up((from.getRootNode() as ShadowRoot).host, selector));

  const words = (node?: Node | null): string =>
    !node || (node as Element).matches?.(`${PRIVATE},input,textarea,select,script,style`)
      ? ""
      : ((node as Text).data ?? (node as HTMLImageElement).alt ?? Array.from(node.childNodes, words).join(" "));

  core.describe = (element, wordless) => {
    const of = (name: string, from: Element | null = element) => from?.getAttribute(name);
    const { localName, labels, textContent } = element as HTMLInputElement;
    const region = up(element.parentElement, "[data-footfall-region],[role],header,nav,main,aside,footer,form,dialog");
    const names = up(element, PRIVATE)
      ? []
      : [
          of("aria-label"),
          words(document.getElementById(of("aria-labelledby") as string)),
          words(labels?.[0]),
          !wordless && (textContent as string).length < TEXT && words(element),
          of("alt"),
          of("title"),
          of("name"),
          of("id"),
        ];
    return {
      target: (names.find((name) => name && /\S/.test(name)) || "").replace(/\s+/g, " ").trim().slice(0, LONGEST),
      role: of("role") || (localName === "a" ? "link" : localName),
      region: of("data-footfall-region", region) ?? of("role", region) ?? region?.localName,
    };
  };

  core.innermost = (event, selector) =>
    event.composedPath().find((node) => (node as Element).matches?.(selector)) as HTMLElement | undefined;

  core.watch = (selector, found) => {
    const known = new WeakSet<Element>();
    let timer = 0;
    const look = core.guard(() => {
      timer = 0;
      document.querySelectorAll<HTMLElement>(selector).forEach((one) => {
        if (!known.has(one)) {
          known.add(one);
          found(one);
        }
      });
    });
    look();
    new MutationObserver(() => {
      timer = timer || +setTimeout(look, PACE);
    }).observe(document, { childList: true, subtree: true });
  };
};
