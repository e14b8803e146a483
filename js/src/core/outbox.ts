import type { Extra, Props, View } from "../types";
import { guard } from "./guard";
import { retryDelay } from "./retryDelay";
import { uuid } from "./uuid";
import { view } from "./view";

/*
 * Events wait here for their acknowledgement, in memory alone. Until the collector answers, the same beacon (same id,
 * same events) is sent again; the server counts it once. What the server refuses (4xx) is dropped. Two functions share
 * this state: `emit` and `flush`.
 */

type Beacon = readonly [view: View, id: string, events: unknown[]];

/** How long events are gathered, ms. Single-page apps set the title after the address; this is their time for it. */
const GATHER = 250;
/** Characters of the largest event: more than the wire takes, and few enough that a beacon stays under 60 KiB. */
const LARGEST = 12e3;
/** Beacons that may wait. */
const MOST = 100;
/** Characters of a title that are sent; the server keeps no more. */
const TITLE = 300;

const waiting: Beacon[] = [];
/** Events of the beacon that still takes more. Once tried it is closed: events under a beacon id never change. */
let open: unknown[] | undefined;
let failures = 0;
/** The timer that ends the pause after a failure. */
let pause = 0;
/** Whether the server asked for that pause. */
let told: unknown;

/** What parts add to every beacon. */
export const extra: Extra = {};

const send = (beacon: Beacon): void => {
  const settle = (failed: unknown, retryAfter?: unknown) => {
    if (failed) {
      waiting.push(beacon);
      // Beacons fail together and share one pause; the server's word beats our own.
      if (!pause || retryAfter) {
        told = retryAfter;
        clearTimeout(pause);
        pause = +setTimeout(
          () => {
            pause = 0;
            flush();
          },
          retryDelay(retryAfter, failures++),
        );
      }
    } else {
      failures = 0;
    }
  };
  const [envelope, id, events] = beacon;
  const body = JSON.stringify({ ...envelope, ...extra, id, events, sent: Date.now() })
    // Half of an emoji, where a text was cut, is no valid JSON to the server. An escaped backslash is no such half.
    .replace(/(\\\\)|\\ud\w{3}/g, "$1");
  try {
    // Firefox before 133 ends a fetch with its page: there, as where the page broke `fetch`, this throws.
    const answer = ("keepalive" in Request.prototype &&
      fetch(__FOOTFALL__.endpoint, {
        method: "POST",
        body,
        keepalive: true,
        credentials: "omit",
      })) as Promise<Response>;
    answer
      .then(({ status, headers }) => settle(status > 499 || status === 429, headers.get("Retry-After")))
      .catch(settle);
  } catch {
    settle(!navigator.sendBeacon(__FOOTFALL__.endpoint, body));
  }
};

/** Sends what waits. `urgent`: without regard to our own pause; one that the server asked for holds. */
export const flush = guard((urgent?: boolean) => {
  (view as View).title ||= document.title.slice(0, TITLE);
  open = undefined;
  if (!extra.hold && (!pause || (urgent && !told))) {
    waiting.splice(0).forEach((beacon) => {
      window.footfall?.optout || send(beacon);
    });
  }
});

/** Records an event of the current page view; `alone`: in a beacon of its own, since one fault refuses it whole. */
export const emit = (name: string, props?: Props, alone?: boolean): void => {
  const event = JSON.stringify({ name, at: Date.now(), props });
  if (event.length < LARGEST && waiting.length < MOST) {
    if (alone || !open) {
      open = [];
      waiting.push([view as View, uuid(), open]);
    }
    // A copy: the page may change its object before the beacon goes.
    open.push(JSON.parse(event));
    if (alone) {
      open = undefined;
    }
    setTimeout(flush, GATHER);
  }
};
