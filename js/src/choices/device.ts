/**
 * What lies on the device, and only after a choice: the catalogue's cookies (event_catalogue/choice.py), read and kept
 * as the collector sets them where its address is the site's own.
 */

/** What an earlier choice left here. */
export interface Known {
  /** "Don't count me". */
  readonly objected: boolean;
  readonly refused: boolean;
  /** Opted out of sale and sharing. */
  readonly unshared: boolean;
  /** The device's id, only with a grant of statistics. */
  readonly visitor: string | undefined;
  readonly receipt: string | undefined;
  /** The purposes of a grant by their first letters: `s`, `a`. */
  readonly purposes: string;
  /** Version of the notice that the visitor saw, and the day of the choice (days since 1970). */
  readonly version: string | undefined;
  readonly day: number;
}

const DAY_S = 86400;

const cookies = (): Record<string, string> =>
  Object.fromEntries(
    document.cookie.split("; ").map((pair) => {
      const end = pair.indexOf("=");
      return [pair.slice(0, end), pair.slice(end + 1)];
    }),
  );

/** Today as the cookies tell it: days since 1970. */
export const today = (): number => Math.floor(Date.now() / DAY_S / 1000);

/** A version as a cookie's value can hold it, as the collector writes it. */
export const plain = (version: string | undefined): string => (version ?? "").replace(/[ ",;:\\]/g, "");

/** What this device holds. A page that may not read its cookies holds nothing. */
export const readDevice = (): Known => {
  let jar: Record<string, string> = {};
  try {
    jar = cookies();
  } catch {
    // A sandboxed frame: nothing was chosen here.
  }
  const { ff_id, ff_receipt, ff_choice, ff_sale, ff_optout } = jar;
  const [receipt, version, day, purposes = ""] = (ff_receipt ?? "").split(":");
  const [refused, refusedVersion, refusedDay] = (ff_choice ?? "").split(":");
  return {
    objected: !!ff_optout,
    refused: refused === "d",
    unshared: !!ff_sale,
    visitor: ff_id,
    receipt: receipt || undefined,
    purposes: refused ? "" : purposes,
    version: refusedVersion ?? version,
    day: +(refusedDay ?? day ?? 0),
  };
};

/**
 * Keeps a cookie for so many days. One that holds this value is left alone: what the collector has set itself lives
 * longer in some browsers than what a script sets.
 */
export const keep = (name: string, value: string, days: number | undefined): void => {
  if (cookies()[name] !== value) write(name, value, (days ?? 0) * DAY_S);
};

/** Removes cookies. */
export const forget = (...names: string[]): void => {
  names.forEach((name) => {
    write(name, "", 0);
  });
};

const write = (name: string, value: string, seconds: number): void => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: the cookie store is not in every browser that we serve.
  document.cookie = `${name}=${value}; Max-Age=${seconds}; Path=/; SameSite=Lax${secure}`;
};
