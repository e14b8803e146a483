/** A value of a property: what the collector stores. `null` and undefined are left out. */
export type PropValue = string | number | boolean | null | undefined;
export type Props = Readonly<Record<string, PropValue>>;

/**
 * The site's own events and their properties. Extend it and calls are checked:
 *
 * ```ts
 * declare module "footfall-web" {
 *   interface Events {
 *     signup: { plan: "free" | "pro"; revenue?: number; currency?: string };
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be extended
export interface Events {}

/** A visitor's choice by purpose; what is not named keeps what it had. */
export interface Choice {
  readonly statistics?: boolean;
  readonly ads?: boolean;
  readonly sale?: boolean;
  /** Version of the notice; else the site's. */
  readonly version?: string;
  /** The device's id, a UUID, only with consent to statistics. */
  readonly visitor?: string;
}

/** One event as it was sent, and what the collector makes of it. */
export interface Shown {
  readonly sent: Readonly<Record<string, unknown>>;
  readonly stored: boolean;
  readonly tier?: "cookieless" | "consented";
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Why nothing is stored. */
  readonly reason?: string;
}

export interface Footfall {
  /** Records an event of the site. A name has 1 to 64 of a–z, 0–9 and `_ . : -`; at most 32 properties. */
  <Name extends string>(
    name: Name,
    options?: { readonly props?: Name extends keyof Events ? Events[Name] : Props },
  ): void;
  /** The visitor has chosen. Module `api`, as all methods but `optOut` and `ignoreMe`. */
  consent(choice: Choice): void;
  /** The visitor objects: nothing is counted on this device any more, until `optOut(false)`. */
  optOut(undo?: false): void;
  /** The owner's own device is not counted, until `ignoreMe(false)`. */
  ignoreMe(undo?: false): void;
  /** Counts a page view that no address tells. */
  page(): void;
  /** What was stored of this page and what was not, also as a table in the console. */
  show(): Promise<Shown[]>;
}

export declare const footfall: Footfall;

/** Loads the snippet, once. The address is the one that the console shows. */
export declare function install(src: string): void;

declare global {
  interface Window {
    footfall: Footfall & { optout?: boolean };
  }
}
