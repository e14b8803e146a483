import { flush } from "./outbox";

/** What must be recorded before the page goes. */
export const leaving: Array<(ended?: boolean) => void> = [];

/** Records and sends what the page may not live to send later; `ended`: a new page view follows in this document. */
export const leave = (ended?: boolean): void => {
  leaving.forEach((record) => {
    record(ended);
  });
  flush(true);
};
