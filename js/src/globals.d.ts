import type { Choice, Config, Part, Props } from "./types";

declare global {
  /** What the server puts in place of `"__FOOTFALL_CONFIG__"`: the configuration, then any further parts. */
  const __FOOTFALL__: Config;
  const __FOOTFALL_PARTS__: readonly Part[];
  /** Whether this is the build that takes parts; the default one has none, and none of their hooks. */
  const __WHOLE__: boolean;

  /** A call of the public function, as the stub noted it: an event, or `$` and the name of a method. */
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
    consent?(choice: Choice): void;
    optOut?(undo?: false): void;
    ignoreMe?(undo?: false): void;
    page?(): void;
    show?(): unknown;
    /** Opens the visitor's preferences, where the site asks for choices. */
    choices?(): void;
  }

  interface Window {
    footfall: PublicFunction;
    readonly navigation?: EventTarget & { readonly currentEntry: unknown };
    readonly Temporal?: { readonly Now: { timeZoneId(): string } };
  }

  interface Navigator {
    readonly globalPrivacyControl?: unknown;
  }

  interface CurrentEntryChange extends Event {
    readonly navigationType: string | null;
  }

  interface Navigate extends Event {
    readonly navigationType: string;
    readonly destination: { readonly url: string; readonly sameDocument: boolean };
    readonly formData: unknown;
    readonly downloadRequest: string | null;
    readonly userInitiated: boolean;
  }
}
