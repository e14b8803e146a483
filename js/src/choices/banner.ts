import { h } from "./dom";
import { all, asks, choose, type Question, type State, type Wish } from "./state";

/** How long a confirmation stays where the pointer and not the keyboard has chosen, ms. */
const READ = 8e3;

export interface Banner {
  /** Shows what the moment asks for: the question, the way back to it, or nothing. */
  refresh(): void;
  /** The page has changed without a load. */
  moved(): void;
  /** Records a choice and says what came of it. */
  decide(wish: Wish, how: string): void;
}

/**
 * The question: a labelled region, last in the page, that traps nothing. Where the element with the focus would be
 * covered it gives way, first by scrolling, then by going to the other edge (WCAG 2.4.11).
 */
export const banner = (root: ShadowRoot, state: State, open: () => void): Banner => {
  const { words, lang } = state.texts;
  let shown: HTMLElement | undefined;
  let busy = false;
  /** What had the focus before the banner. */
  let from: EventTarget | null = null;
  root.host.addEventListener("focusin", (event) => {
    from = (event as FocusEvent).relatedTarget ?? from;
  });

  const show = (element?: HTMLElement) => {
    shown?.remove();
    shown = element;
    if (element) root.append(element);
  };

  const say = (text: string, keyboard: boolean) => {
    const done = () => {
      const back = keyboard && root.activeElement;
      refresh();
      if (back) (from as HTMLElement | null)?.focus({ preventScroll: true });
    };
    const message = h("p", { role: "status", tabindex: "-1" });
    show(h("div", { class: "bar" }, message, h("button", { class: "big", click: done }, words.ok)));
    const mine = shown;
    // A live region speaks of what changes in it.
    setTimeout(() => {
      message.textContent = text;
    });
    if (keyboard) message.focus();
    else setTimeout(() => mine === shown && !mine?.matches(":focus-within") && done(), READ);
  };

  const decide = (wish: Wish, how: string) => {
    if (busy) return;
    busy = true;
    const keyboard = !!root.activeElement?.matches(":focus-visible");
    const text = wish.optout
      ? words.saved_objected
      : wish.statistics || wish.ads
        ? words.saved_accepted
        : words.saved_declined;
    choose(state, wish, how)
      .then(() => say(text as string, keyboard))
      .catch(() => say(words.failed as string, keyboard))
      .finally(() => {
        busy = false;
      });
  };

  const question = () => {
    const [title, text, decline, accept] = state.texts.ask[state.texts.policy] as Question;
    const big = (label: string, value: boolean) =>
      h("button", { class: "big", type: "button", click: () => decide(all(state, value), "banner") }, label);
    return h(
      "div",
      {
        class: "bar",
        role: "region",
        "aria-labelledby": "ask",
        keydown: (event) => (event as KeyboardEvent).key === "Escape" && decide(all(state, false), "banner"),
      },
      h("h2", { id: "ask" }, title),
      h("p", {}, text),
      h("div", { class: "pair" }, big(decline, false), big(accept, true)),
      h(
        "div",
        { class: "rest" },
        h("button", { class: "link", type: "button", click: open }, words.preferences),
        h("button", { class: "link", type: "button", click: () => decide({ optout: true }, "banner") }, words.object),
        h("a", { class: "link", href: state.notice, hreflang: lang }, words.exactly),
      ),
    );
  };

  const refresh = () => {
    if (asks(state)) show(question());
    else if (document.querySelector('footfall-choices,a[href$="#footfall-choices"]')) show();
    else
      show(h("button", { class: "chip", type: "button", click: open }, state.signal ? words.honoured : words.choices));
  };

  addEventListener("focusin", (event) => {
    const bar = shown?.matches(".bar") && shown;
    const [target] = event.composedPath() as [Element];
    // By the keyboard alone: under a pointer nothing may move between pressing and letting go.
    if (!bar || event.target === root.host || !target.matches?.(":focus-visible")) return;
    const over = () => {
      const [mine, theirs] = [bar.getBoundingClientRect(), target.getBoundingClientRect()];
      return bar.matches(".up") ? mine.bottom - theirs.top : theirs.bottom - mine.top;
    };
    // At once, also on pages that scroll smoothly: where it is then decides what comes next.
    if (over() > 0) scrollBy({ top: bar.matches(".up") ? -over() - 8 : over() + 8, behavior: "instant" });
    if (over() > 0) bar.classList.toggle("up");
  });
  /** Asks on another page of the same document only what is not asked already, and lets a confirmation be read. */
  const moved = () => {
    if (!shown?.querySelector(asks(state) ? ".pair,[role=status]" : "[role=status]")) refresh();
  };
  return { refresh, moved, decide };
};
