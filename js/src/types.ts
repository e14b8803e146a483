/**
 * The words that the files of the snippet share. Types only: nothing here is left after the build.
 */

/** Why a page is not counted, as the console says it. */
export type Reason = "GPC" | "DNT" | "opt-out" | "iframe" | "hostname" | "localhost" | "path";

/** What the server compiles in for one site: the JSON object that stands for `"__FOOTFALL_CONFIG__"`. */
export interface Config {
  /** Address of the collector's `POST /e`. */
  readonly url: string;
  /** The site's public key. */
  readonly site: string;
  /** Id of this build, so that outdated copies can be found. */
  readonly build: string;
  /** Extensions whose links are downloads: the inside of a regular expression's group, `pdf|docx?|zip`. */
  readonly download: string;
  /** Query keys that make two addresses two pages, in the same form: `q|category`. */
  readonly search: string;
  /** Reasons this site does not mind: `localhost` to count there, `GPC` and `DNT` where a signal limits only. */
  readonly allow?: readonly Reason[];
  /** Whether `#/routes` are pages. */
  readonly hash?: boolean;
  /** Whether the console is kept silent. */
  readonly quiet?: boolean;
  /** Whether this copy only shows what would be sent. */
  readonly debug?: boolean;
  /** Paths on which nothing is counted: a regular expression. */
  readonly exclude?: string;
  /** Version of the notice, which goes with every choice. */
  readonly version?: string;
  /** `hold`: nothing is sent before a grant (policy opt_in); `open`: consent fields before a choice too (opt_out). */
  readonly unchosen?: "hold" | "open";
  /** Other consent managers that are read: `tcf`, `gpp`, `consent_mode`. */
  readonly managers?: readonly string[];
  /** Where visitors are asked: for how many days each cookie of a choice is kept; whether some pages are for children. */
  readonly choices?: { readonly days: Readonly<Record<string, number>>; readonly children?: boolean };
  /** The number that pages show, then for each channel how its visits are known and the number that they are shown. */
  readonly numbers?: readonly [usual: string, ...shown: ReadonlyArray<readonly [pattern: string, number: string]>];
}

/** Properties of one event. */
export type Props = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One page view: what every beacon of it carries beside its events. */
export interface View {
  readonly v: 1;
  readonly site: string;
  readonly build: string;
  readonly gpc: boolean;
  readonly url: string;
  readonly referrer: string;
  /** Not there until the first beacon goes: the page has had the time to set it by then. */
  title?: string;
  readonly screen: readonly [number, number];
  /** As late as the title: to know it the page must have been laid out. */
  viewport?: readonly [number, number];
  /** As late: to know them costs time, which the page has more of when it has come. */
  page?: string;
  tz?: string;
}

/** A visitor's choice by purpose; a purpose that is not named keeps what it had. */
export interface Choice {
  readonly statistics?: boolean;
  readonly ads?: boolean;
  readonly sale?: boolean;
  readonly version?: string;
  /** The device's id, only with consent to statistics: a UUID that the consent manager keeps. */
  readonly visitor?: string;
}

/** Further keys of the wire, set by parts. */
export interface Extra {
  consent?: Omit<Choice, "visitor">;
  visitor?: string | undefined;
  plugins?: readonly string[] | undefined;
  [key: string]: unknown;
  /** While it is there nothing is sent, so this one never reaches the wire. A part deletes it again. */
  hold?: true | undefined;
}

/** Why what belongs to the page must be recorded now: it may go (0), a new view follows (1), the document goes (2). */
export type Leaving = 0 | 1 | 2;

/** Events that wait for their acknowledgement. */
export type Beacon = readonly [view: View, id: string, events: readonly WireEvent[]];

export interface WireEvent {
  readonly name: string;
  readonly at: number;
  readonly props?: Props;
}

/** What an element is called, what it is, and in which part of the page it stands. */
export type Described = Readonly<Record<"target" | "role" | "region", string | undefined>>;

/** What parts are handed: the promises of one build to the parts that are composed with it. */
export interface Core {
  readonly config: Config;
  readonly extra: Extra;
  /** Run before what belongs to the page is sent: when it is hidden, shown, left or back on line, so often. */
  readonly leaving: Array<(why: Leaving) => void>;
  /** Runs now and whenever the visitor has chosen; without any, runs all of these: there is a choice. */
  chosen(run?: () => void): void;
  /** What waits, oldest first. */
  readonly waiting: Beacon[];
  /** The latest beacons that were sent, acknowledged or not: what `show` shows. */
  readonly outgoing: Beacon[];
  /** Sends what waits. */
  flush(): void;
  /** Calls that are no events, by `$` and their name. */
  readonly commands: Record<string, (value: never) => void>;
  /** Run with the collector's answer to a beacon. */
  answered?(answer: Response, beacon: Beacon): void;
  /** Counts a page view, whatever the address is. */
  again?(): void;
  /**
   * Records an event of the current page view; `alone`: in a beacon of its own, since one fault refuses it whole;
   * `at`: when it happened, if not now.
   */
  emit(name: string, props?: Props, alone?: boolean, at?: number): void;
  /** Listens on the window, in the capturing phase. `types` are separated by spaces. */
  listen<E extends Event = Event>(types: string, listener: (event: E) => void): void;
  /** Wraps what the browser will call, so that no error of ours reaches the page. */
  guard<A extends unknown[]>(run: (...args: A) => void): (...args: A) => void;
  /** The event's name for a followed link; false for one that only leads on. */
  linkEvent(link: HTMLAnchorElement): string | false;
  /** Whether fields that need consent may be recorded. The server decides; this saves work and bytes. */
  consented(): unknown;
  /** Whether this is the first of its kind in this page view, and one of its first twenty. */
  fresh(key: string): boolean;
  /** Media that plays now: time with it is time with the page. */
  playing?: unknown;

  /** By the part `element`: what an element is called; its own words count as a name unless `wordless`. */
  describe?(element: Element, wordless?: boolean): Described;
  /** By the part `element`: the innermost element of an event that matches, shadow roots included. */
  innermost?(event: Event, selector: string): HTMLElement | undefined;
  /** By the part `element`: calls for each element that matches, now and whenever one comes. */
  watch?(selector: string, found: (element: HTMLElement) => void): void;
}

/** What the part `element` adds; the server composes it before the parts that need it. */
export type Elements = Core & Required<Pick<Core, "describe" | "innermost" | "watch">>;

/** A part that is composed with the snippet: called once, when the page is seen for the first time. */
export type Part<C = Core> = (core: C) => void;
