import type { Reason } from "../types";

/** Whether nothing more of this page is sent. */
export let stopped: unknown;

/**
 * Nothing more of this page is sent, and the console says why, once: with a reason. On a path that is not counted routes
 * may follow that are: it is said, and the server leaves out what it must.
 */
export const stop = (reason?: Reason | false): void => {
  if (!stopped && reason) {
    if (!(__WHOLE__ && __FOOTFALL__.quiet)) console.info(`footfall: not counted: ${reason} (?footfall=debug)`);
    stopped = !__WHOLE__ || reason !== "path";
  }
};
