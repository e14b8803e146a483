import type { Config } from "../types";
import type { Shown } from "./asking";
import { banner } from "./banner";
import { readDevice } from "./device";
import { rooted } from "./dom";
import { embed } from "./embed";
import { panel } from "./panel";
import { preferences } from "./preferences";
import { all, choose, type State, type Texts } from "./state";
import { CSS } from "./style";

/** How often the page's address is looked at, ms: not every browser tells when a page changes it without a load. */
const EVERY = 300;

/** Banner, preferences, `<footfall-choices>` and `<footfall-embed>` of one site: loaded when the first is needed. */
export const choices = async (config: Config): Promise<Shown> => {
  const here = `${config.url}/../c/${config.site}`;
  const languages = [document.documentElement.lang, ...navigator.languages].filter(Boolean).join(",");
  const ask = async (): Promise<Texts> => {
    // The page's address goes along as the referrer, for pages for children.
    const answer = await fetch(`${here}/texts?lang=${encodeURIComponent(languages)}`, {
      credentials: "omit",
      referrerPolicy: "no-referrer-when-downgrade",
    });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  };
  const texts = await ask();
  const gpc = texts.gpc || navigator.globalPrivacyControl === true;
  const dnt = texts.dnt && /^(1|yes)$/.test(navigator.doNotTrack ?? "");
  const state: State = {
    config,
    texts,
    notice: new URL(`${config.url}/../privacy/${config.site}?lang=${texts.lang}`).href,
    signal: gpc ? "GPC" : dnt ? "Do Not Track" : "",
    known: readDevice(),
    changed: [],
  };
  // Last in the page, in an element of its own: the page's styles don't reach in, and its layout does not move.
  const host = document.createElement("footfall-banner");
  host.lang = texts.lang;
  const root = rooted(host, CSS);
  document.body.append(host);
  const open = () => manage();
  const asked = banner(root, state, open);
  const manage = preferences(root, state, asked.decide);
  const fill = panel(state, open, asked.decide);
  state.changed.push(fill);
  fill();
  asked.refresh();
  document.querySelectorAll<HTMLElement>("footfall-embed").forEach((one) => {
    embed(texts, one);
  });
  // Pages that change without a load bring elements later, and may take ours away with the rest.
  const find = (name: string, found: (element: HTMLElement) => void) => {
    if (!customElements.get(name)) {
      customElements.define(
        name,
        class extends HTMLElement {
          connectedCallback() {
            found(this);
          }
        },
      );
    }
  };
  find("footfall-choices", fill);
  find("footfall-embed", (one) => embed(texts, one));
  let address = location.href;
  let home = address;
  setInterval(() => {
    // Taken away with the body that it stood in, or by what came in its place; not by a page that wants to be rid of it.
    if (!host.isConnected && (host.parentNode || home !== location.href)) {
      root.querySelector("dialog")?.remove();
      document.body.append(host);
      home = location.href;
    }
    if (address === location.href) return;
    address = location.href;
    // Elsewhere another policy may hold: a page for children.
    const look = config.choices?.children ? ask() : Promise.resolve(state.texts);
    look
      .then((now) => {
        state.texts = now;
        fill();
        asked.moved();
      })
      .catch(() => {});
  }, EVERY);
  const { known } = state;
  if ((known.refused || known.objected) && (known.visitor || known.receipt)) {
    // Refused while the collector could not be reached: what the earlier grant opened is still to be taken back.
    choose(state, known.objected ? { optout: true } : all(state, false), "api").catch(() => {});
  }
  return { open };
};
