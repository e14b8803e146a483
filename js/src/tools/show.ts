import type { Core } from "../types";

/** One event: as it was sent, and what the collector makes of it. */
export interface Shown {
  readonly sent: Record<string, unknown>;
  readonly stored: boolean;
  readonly tier?: string;
  readonly fields?: Record<string, unknown>;
  readonly reason?: string;
}

/**
 * The visitor's glass box: asks the collector what it makes of everything that this page has sent, and shows it in the
 * console. A beacon is asked about as it was sent, with the choice of now.
 */
export const show = async ({ config, extra, outgoing }: Core): Promise<Shown[]> => {
  const shown: Shown[] = [];
  for (const [view, id, events] of outgoing) {
    const body = JSON.stringify({ ...view, ...extra, id, events, sent: Date.now() });
    const preview = `${config.url}/../api/v1/events?preview=true`;
    const answer = await (await fetch(preview, { method: "POST", body, credentials: "omit" })).json();
    events.forEach((event, place) => {
      shown.push({
        sent: { ...view, ...event },
        ...(answer.events?.[place] ?? { stored: false, reason: answer.title }),
      });
    });
  }
  console.table(
    shown.map(({ sent, stored, tier, reason, fields }) => ({ event: sent.name, stored, tier, reason, ...fields })),
  );
  return shown;
};
