import type { Leaving } from "../types";
import { guard } from "./guard";
import { flush } from "./outbox";

/** What must be recorded before the page goes. */
export const leaving: Array<(why: Leaving) => void> = [];
/** Whether the document has gone: one that comes back by the browser's cache has nothing more to tell of its view. */
let gone: boolean | 0 | undefined;

/** Records and sends what the page may not live to send later. */
export const leave = (why: Leaving): void => {
  if (!(__WHOLE__ && why === 1 && gone)) {
    if (__WHOLE__) {
      leaving.forEach((record) => {
        guard(record)(why);
      });
    } else leaving[0]?.(why);
  }
  if (__WHOLE__ && why) gone = why > 1;
  flush(true);
};
