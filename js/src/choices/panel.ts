import { h, rooted } from "./dom";
import { all, type State, type Wish } from "./state";
import { CSS } from "./style";

/** Fills each `<footfall-choices>`: what holds here, the receipt, and the way to change or withdraw. */
export const panel = (state: State, open: () => void, decide: (wish: Wish, how: string) => void) => {
  const { words, lang } = state.texts;
  const status = () => {
    const { known, texts } = state;
    const when = known.day ? new Date(known.day * 864e5).toLocaleDateString(lang, { timeZone: "UTC" }) : "";
    if (known.objected) return words.is_objected;
    if (texts.policy === "under_16") return words.child;
    const text = known.refused ? words.is_refused : known.purposes ? words.is_granted : words.is_open;
    return text?.replace("{date}", when).replace("{version}", known.version ?? "");
  };
  const fill = (host: HTMLElement) => {
    const { known } = state;
    const root = rooted(host, CSS);
    const link = (label: string | undefined, click: () => void) =>
      h("button", { class: "link", type: "button", click }, label);
    const focused = root.activeElement?.textContent;
    // The language is told inside: nothing of the page's own is changed.
    const whole = h(
      "div",
      { lang },
      ...[
        state.signal &&
          h(
            "p",
            { role: "status" },
            h("strong", {}, words.honoured),
            " ",
            words.signal?.replace("{signal}", state.signal),
          ),
        h("p", { role: "status" }, status()),
        known.receipt && h("p", {}, `${words.receipt} `, h("code", {}, known.receipt)),
        h(
          "div",
          { class: "rest" },
          link(words.change, open),
          !!known.purposes && link(words.withdraw, () => decide(all(state, false), "preferences")),
          !known.objected && link(words.object_short, () => decide({ optout: true }, "preferences")),
          h("a", { class: "link", href: state.notice, hreflang: lang }, words.exactly),
        ),
      ],
    );
    root.replaceChildren(whole);
    [...root.querySelectorAll("button")].find((one) => focused && one.textContent === focused)?.focus();
  };
  return (): void => {
    document.querySelectorAll<HTMLElement>("footfall-choices").forEach(fill);
  };
};
