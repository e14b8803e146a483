import type { Config } from "../types";
import { forget, type Known, keep, plain, readDevice, today } from "./device";

/** The collector's texts for one site and language (`GET /c/<site>/texts`). */
export interface Texts {
  readonly lang: string;
  readonly words: Readonly<Record<string, string>>;
  /** Title, text, decline and accept by the policy that holds here. */
  readonly ask: Readonly<Record<string, Question>>;
  /** What is recorded unasked, and what each purpose opens. */
  readonly unasked: readonly string[];
  readonly purposes: ReadonlyArray<readonly [name: Purpose, label: string, text: string, opens: readonly string[]]>;
  readonly dnt: boolean;
  /** What holds for this connection: the strictest policy, and whether the browser has sent the signal. */
  readonly policy: string;
  readonly gpc: boolean;
}

export type Question = readonly [title: string, text: string, decline: string, accept: string];

export type Purpose = "statistics" | "ads" | "sale";

export interface Wish {
  readonly statistics?: boolean;
  readonly ads?: boolean;
  readonly sale?: boolean;
  readonly optout?: boolean;
}

export interface State {
  readonly config: Config;
  /** Address of the notice, in the language of the texts. */
  readonly notice: string;
  texts: Texts;
  /** The browser's signal that is honoured here: `GPC`, `Do Not Track`; empty if there is none. */
  readonly signal: string;
  known: Known;
  /** Run after every choice. */
  readonly changed: Array<() => void>;
}

/** All purposes of the site, one way. */
export const all = ({ texts }: State, value: boolean): Wish =>
  Object.fromEntries(texts.purposes.map(([name]) => [name, value]));

/** Whether this visitor is to be asked here: no choice for this notice, no signal, nobody's child, a page that counts. */
export const asks = ({ known, signal, texts, config }: State): boolean =>
  !signal &&
  texts.policy !== "under_16" &&
  !(config.exclude && RegExp(config.exclude).test(location.pathname)) &&
  !known.objected &&
  !(
    known.version === plain(config.version) &&
    (known.refused || (known.purposes && (known.visitor || known.purposes === "a")))
  );

/**
 * Records a choice. What is refused holds at once, on the page and on the device, even while the collector can't be
 * reached; the ids of an earlier grant go only when their withdrawal is recorded. What is granted holds from the
 * collector's acknowledgement on. Rejects when it could not be recorded.
 */
export const choose = async (state: State, wish: Wish, how: string): Promise<void> => {
  const { config, known } = state;
  const { footfall } = window;
  const days = config.choices?.days ?? {};
  const version = plain(config.version);
  const day = today();
  const grants = !wish.optout && (wish.statistics || wish.ads);
  if (wish.optout) {
    footfall.optout = true;
    keep("ff_optout", `o:${day}`, days.ff_optout);
  } else {
    footfall.optout = false;
    forget("ff_optout");
    if (wish.sale === false) keep("ff_sale", `o:${day}`, days.ff_sale);
    if (wish.sale) forget("ff_sale");
    if (!grants && wish.statistics !== undefined) keep("ff_choice", `d:${version}:${day}`, days.ff_choice);
    if (!grants) footfall("$consent", { ...wish, version: config.version } as never);
  }
  try {
    const { visitor, receipt } = known;
    const body = { ...wish, how, version: config.version, visitor, receipt };
    const answer = await fetch(`${config.url}/../c/${config.site}`, {
      method: "POST",
      body: JSON.stringify(body),
      keepalive: true,
    });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const told = await answer.json();
    if (told.receipt) {
      const purposes = (told.statistics ? "s" : "") + (told.ads ? "a" : "");
      if (told.visitor) keep("ff_id", told.visitor, days.ff_id);
      keep("ff_receipt", `${told.receipt}:${version}:${day}:${purposes}`, days.ff_receipt);
      forget("ff_choice", ...(told.statistics ? [] : ["ff_id"]));
    } else if (!grants && (wish.optout || wish.statistics !== undefined)) {
      forget("ff_id", "ff_receipt");
    }
    if (grants) {
      const { statistics, ads } = told;
      const id = statistics ? readDevice().visitor : undefined;
      footfall("$consent", { ...wish, statistics, ads, version: config.version, visitor: id } as never);
    }
  } finally {
    state.known = readDevice();
    state.changed.forEach((run) => {
      run();
    });
  }
};
