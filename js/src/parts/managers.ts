import type { Part } from "../types";

/** How long an interface is looked for, ms; and how often. Managers that come later still are heard while it lasts. */
const PATIENCE = 3e5;
const EVERY = 250;
/** How long events wait for a manager of opt-outs (GPP) that has not come, ms: without one there is nothing to obey. */
const COMES = 2e3;
/** An opt-out as sections of the states and of the nation tell it, and as the older US Privacy section does. */
const OPTED_OUT = /^((Sale|Sharing|TargetedAdvertising)OptOut1|OptOutSaleY)$/;

type Heard = { statistics?: boolean; ads?: boolean };
type Listen = (command: string, ...rest: unknown[]) => void;

/**
 * Reads the choices of other consent managers, and never writes one: TCF (purposes 1 and 8; 1 and 7 for advertising),
 * GPP (opt-outs), Google Consent Mode (`analytics_storage`). What is unknown was not consented to; of several all that
 * have spoken must agree. What was chosen on this site goes before all of them, purpose by purpose, also where it was
 * chosen before this script came. No consent string is kept or sent.
 */
export const managers: Part = (core) => {
  const { config, extra, commands, guard } = core;
  const wanted = config.managers ?? [];
  const world = window as unknown as Record<string, Listen & unknown[]>;
  const spoken: Record<string, Heard> = {};
  const choose = commands.$consent as (choice: Heard) => void;
  const own: Heard = {};
  commands.$consent = ((choice: Heard) => {
    choose(Object.assign(own, choice));
  }) as never;
  window.footfall.q?.forEach(([name, choice]) => {
    if (name === "$consent") Object.assign(own, choice);
  });

  const hear = (name: string, heard: Heard) => {
    spoken[name] = heard;
    const all = Object.values(spoken);
    choose({
      statistics: all.every((one) => one.statistics),
      ...(all.some((one) => one.ads !== undefined) && { ads: all.every((one) => one.ads !== false) }),
      ...own,
    });
  };

  /** Runs once the interface is there. */
  const find = (name: string, found: (call: Listen) => void) => {
    const began = Date.now();
    const look = guard(() => {
      if (world[name]?.call) found(world[name]);
      else if (Date.now() - began < PATIENCE) setTimeout(look, EVERY);
    });
    look();
  };

  if (wanted.includes("tcf")) {
    find("__tcfapi", (call) =>
      call(
        "addEventListener",
        2,
        guard(({ eventStatus, gdprApplies, purpose }: Tcf, done: boolean) => {
          // Where the GDPR does not apply the site's own policy holds, as if the manager had said nothing.
          if (done && gdprApplies !== false && /^(tcloaded|useractioncomplete)$/.test(eventStatus)) {
            const given = (number: number) => purpose?.consents?.[1] === true && purpose.consents[number] === true;
            hear("tcf", { statistics: given(8), ads: given(7) });
          }
        }),
      ),
    );
  }

  if (wanted.includes("gpp")) {
    // An opt-out that is not known yet must not be overtaken by what it forbids.
    const waits = !extra.hold;
    const release = () => {
      if (waits && extra.hold) {
        extra.hold = undefined;
        core.flush();
      }
    };
    if (waits) {
      extra.hold = true;
      setTimeout(() => world.__gpp?.call || release(), COMES);
      setTimeout(release, PATIENCE);
    }
    find("__gpp", (call) =>
      call(
        "addEventListener",
        guard(({ pingData }: Gpp, done: boolean) => {
          if (done && pingData?.signalStatus === "ready") {
            const sections = Object.values(pingData.parsedSections ?? {}).flat();
            extra.gpp = sections.some(
              (one) =>
                one?.Gpc === true || Object.entries(one ?? {}).some(([key, value]) => OPTED_OUT.test(`${key}${value}`)),
            );
            release();
          }
        }),
      ),
    );
  }

  if (wanted.includes("consent_mode")) {
    let granted: boolean | undefined;
    let timer = 0;
    const read = guard((entry: ArrayLike<unknown> | undefined) => {
      const [command, kind, told] = Array.from(entry ?? []) as [string, string, Mode | undefined];
      const value = told?.analytics_storage;
      if (command !== "consent" || !value) return;
      clearTimeout(timer);
      if (kind === "update") {
        granted = value === "granted";
        hear("consent_mode", { statistics: granted });
      } else if (kind === "default") {
        // A default of some region may be this visitor's: one that denies counts everywhere.
        granted = value === "granted" && granted !== false;
        timer = +setTimeout(() => hear("consent_mode", { statistics: granted as boolean }), told.wait_for_update ?? 0);
      }
    });
    const layer = (world.dataLayer ||= [] as never);
    const { push } = layer;
    layer.push = (...entries: unknown[]) => {
      entries.forEach((one) => {
        read(one as ArrayLike<unknown>);
      });
      return push.apply(layer, entries);
    };
    layer.forEach((one) => {
      read(one as ArrayLike<unknown>);
    });
  }
};

interface Tcf {
  readonly eventStatus: string;
  readonly gdprApplies?: boolean;
  readonly purpose?: { readonly consents?: Readonly<Record<number, boolean>> };
}

interface Gpp {
  readonly pingData?: {
    readonly signalStatus?: string;
    readonly parsedSections?: Readonly<Record<string, unknown>> & Record<string, Section | Section[]>;
  };
}

type Section = Readonly<Record<string, unknown>> | null;

interface Mode {
  readonly analytics_storage?: string;
  readonly wait_for_update?: number;
}
