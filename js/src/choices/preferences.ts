import { h } from "./dom";
import { all, type Purpose, type State, type Wish } from "./state";

const list = (texts: readonly string[]) => h("ul", {}, ...texts.map((text) => h("li", {}, text)));

/**
 * The preferences: a modal dialog, by purpose, with what each opens; the browser keeps the focus in it and gives it
 * back. Escape closes it without a change.
 */
export const preferences = (root: ShadowRoot, state: State, decide: (wish: Wish, how: string) => void) => {
  return (): void => {
    const { known, texts } = state;
    const { words, purposes, unasked, lang } = texts;
    const is: Record<Purpose, boolean> = {
      statistics: known.purposes.includes("s") && !known.objected,
      ads: known.purposes.includes("a") && !known.objected,
      // Where everything else waits for a yes, sale does too.
      sale: !known.unshared && !state.signal && (texts.policy !== "opt_in" || !!known.purposes),
    };
    const box = (name: string, checked: boolean, more: Record<string, boolean | (() => void)> = {}) =>
      h("input", { type: "checkbox", name, checked, ...more });
    const boxes = purposes.map(([name]) => box(name, name === "sale" ? !is.sale : is[name]));
    const child = texts.policy === "under_16";
    const dim = () => {
      boxes.forEach((one) => {
        one.disabled = child || objection.checked || !!state.signal;
      });
    };
    const objection = box("optout", known.objected, { change: dim });
    dim();
    const close = (wish: Wish) => {
      dialog.close();
      decide(wish, "preferences");
    };
    const save = () =>
      close(
        objection.checked
          ? { optout: true }
          : Object.fromEntries(boxes.map(({ name, checked }) => [name, name === "sale" ? !checked : checked])),
      );
    const big = (label: string | undefined, click: () => void) =>
      h("button", { class: "big", type: "button", click }, label);
    const dialog = h(
      "dialog",
      { "aria-labelledby": "prefs", close: () => dialog.remove() },
      h("h2", { id: "prefs", tabindex: "-1", autofocus: true }, words.title),
      state.signal && h("p", {}, h("strong", {}, words.honoured), " ", words.signal?.replace("{signal}", state.signal)),
      child && h("p", {}, words.child),
      ...purposes.map(([, label, text, opens], place) =>
        h(
          "fieldset",
          {},
          h("label", {}, boxes[place], label),
          h("p", {}, text),
          opens.length > 0 && h("details", {}, h("summary", {}, words.opens), list(opens)),
        ),
      ),
      h("fieldset", {}, h("label", {}, objection, words.object_short), h("p", {}, words.object_text)),
      h(
        "fieldset",
        {},
        unasked.length
          ? h("details", {}, h("summary", {}, words.unasked), list(unasked))
          : h("p", {}, words.nothing_unasked),
      ),
      h(
        "div",
        { class: "pair" },
        ...(child || state.signal
          ? []
          : [big(words.decline, () => close(all(state, false))), big(words.accept, () => close(all(state, true)))]),
        big(words.save, save),
      ),
      h(
        "div",
        { class: "rest" },
        h("button", { class: "link", type: "button", click: () => dialog.close() }, words.close),
        h("a", { class: "link", href: state.notice, hreflang: lang }, words.exactly),
      ),
    );
    root.append(dialog);
    dialog.showModal();
  };
};
