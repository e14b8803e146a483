/**
 * The words that the files of the snippet share. Types only: nothing here is left after the build.
 */

/** Why a page is not counted, as the console says it. */
export type Reason = "GPC" | "DNT" | "opt-out" | "iframe" | "localhost" | "file";

/** What the server compiles in for one site: the JSON object that stands for `"__FOOTFALL_CONFIG__"`. */
export interface Config {
  /** Address of the collector's `POST /e`. */
  readonly endpoint: string;
  /** The site's public key. */
  readonly site: string;
  /** Id of this build, so that outdated copies can be found. */
  readonly build: string;
  /** Extensions whose links are downloads: the inside of a regular expression's group, `pdf|docx?|zip`. */
  readonly downloads: string;
  /** Query keys that make two addresses two pages, in the same form: `q|category`. */
  readonly query: string;
  /** Reasons this site does not mind: `localhost` to count there, `GPC` and `DNT` where a signal limits only. */
  readonly allow?: readonly Reason[];
  /** Whether `#/routes` are pages. */
  readonly hash?: boolean;
  /** Whether the console is kept silent. */
  readonly quiet?: boolean;
}

/** Properties of one event. */
export type Props = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One page view: what every beacon of it carries beside its events. */
export interface View {
  readonly v: 1;
  readonly site: string;
  readonly build: string;
  readonly gpc: boolean;
  readonly page: string;
  readonly url: string;
  readonly referrer: string;
  /** Empty until the first beacon goes: the page has had the time to set it by then. */
  title: string;
  readonly tz: string;
  readonly lang: string;
  readonly screen: readonly [number, number];
  readonly viewport: readonly [number, number];
}

/** Further keys of the wire, set by parts: `consent`, `optout`, `visitor`, `plugins`. */
export interface Extra {
  [key: string]: unknown;
  /** While it is there nothing is sent, so this one never reaches the wire. A part deletes it again. */
  hold?: true;
}

/** What parts are handed: the promises of one build to the parts that are composed with it. */
export interface Core {
  readonly config: Config;
  readonly extra: Extra;
  /**
   * Run before what belongs to the page is sent: when it is hidden, shown, left or back on line, so often;
   * `ended` when a new page view follows in the same document.
   */
  readonly leaving: Array<(ended?: boolean) => void>;
  /** Records an event of the current page view; `alone`: in a beacon of its own, since one fault refuses it whole. */
  emit(name: string, props?: Props, alone?: boolean): void;
  /** Listens on the window, in the capturing phase. `types` are separated by spaces. */
  listen<E extends Event = Event>(types: string, listener: (event: E) => void): void;
}

/** A part that is composed with the snippet: called once, when the page is seen for the first time. */
export type Part = (core: Core) => void;
