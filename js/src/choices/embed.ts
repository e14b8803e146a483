import { h, rooted } from "./dom";
import type { Texts } from "./state";
import { CSS } from "./style";

/** What may stand in a frame: nothing that runs in the page itself. */
const WEB = /^https?:$/;

/** `<footfall-embed src title>`: who would be asked for it, and a button; nothing is asked for before. */
export const embed = ({ words, lang }: Texts, host: HTMLElement): void => {
  const src = new URL(host.getAttribute("src") ?? "", location.href);
  const title = host.title || src.host;
  if (host.shadowRoot || !WEB.test(src.protocol)) return;
  const root = rooted(host, CSS);
  const load = () => {
    const frame = h("iframe", {
      src: src.href,
      title,
      allow: "fullscreen",
      referrerpolicy: "strict-origin-when-cross-origin",
      tabindex: "-1",
    });
    root.replaceChildren(frame);
    frame.focus();
  };
  root.replaceChildren(
    h(
      "div",
      { class: "embed", lang },
      h("p", {}, h("strong", {}, title)),
      h("p", {}, words.embed?.replace("{host}", src.host)),
      h("p", {}, h("button", { class: "big", type: "button", click: load }, words.load)),
    ),
  );
};
