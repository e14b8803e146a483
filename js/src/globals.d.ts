import type { Config, Part, Props } from "./types";

declare global {
  /** What the server puts in place of `"__FOOTFALL_CONFIG__"`: the configuration, then any further parts. */
  const __FOOTFALL__: Config;
  const __FOOTFALL_PARTS__: readonly Part[];

  /** A call of the public function, as the stub noted it. */
  type Call = readonly [name: string, options?: { readonly props?: Props }];

  /**
   * The stub's list of calls. Snippets of any build share it, so its shape never changes: a site's key marks that its
   * snippet runs, `next` is the last snippet's taker, and `push` has become that taker too.
   */
  interface Calls extends Pick<Call[], "forEach"> {
    [site: string]: unknown;
    push(call: Call): unknown;
    next?(call: Call): void;
  }

  interface PublicFunction {
    (...call: Call): void;
    q?: Calls;
    /** Set by the site when the visitor objects: nothing more is sent, and what waits is dropped. */
    optout?: boolean;
  }

  interface Window {
    footfall: PublicFunction;
    readonly navigation?: EventTarget & { readonly currentEntry: unknown };
  }

  interface Navigator {
    readonly globalPrivacyControl?: unknown;
  }

  interface CurrentEntryChange extends Event {
    readonly navigationType: string | null;
  }
}
