import type { Beacon, Extra, Props, View, WireEvent } from "../types";
import { guard } from "./guard";
import { hooks } from "./hooks";
import { stop, stopped } from "./stop";
import { uuid } from "./uuid";
import { view } from "./view";

/*
 * Events wait here for their acknowledgement, in memory alone. Until the collector answers, the same beacon (same id,
 * same events) is sent again; the server counts it once. What the server refuses (4xx) is dropped. Two functions share
 * this state: `emit` and `flush`.
 */

/** How long events are gathered, ms. Single-page apps set the title after the address; this is their time for it. */
const GATHER = 250;
/** Characters of the events of one beacon: more than one event takes, and few enough that it stays under 60 KiB. */
const LARGEST = 12e3;
/** What an event takes of them beside its own text: so no beacon has more than the hundred that the wire takes. */
const OWN = 83;
/** Longest pause, ms: timers overflow after 25 days and would fire at once. Up to twice of it, so that browsers don't come
 * back together. */
const LONGEST = 36e5;
/** Beacons that may wait. */
const MOST = 100;
/** Characters of a title that are sent; the server keeps no more. */
const TITLE = 300;

export const waiting: Beacon[] = [];
/** The latest beacons that were sent, for the visitor to see. */
export const outgoing: Beacon[] = [];
/** Events of the beacon that still takes more. Once tried it is closed: events under a beacon id never change. */
let open: WireEvent[] | undefined;
/** Characters that it still takes. */
let room = 0;
let failures = 0;
/** The timer that ends the pause after a failure. */
let pause = 0;
/** Whether the server asked for that pause. */
let told: unknown;

/** What parts add to every beacon. */
export const extra: Extra = {};
/** How many events were given up since the last engagement event, which takes the number with it. */
export const losses: number[] = [];

const send = (beacon: Beacon): void => {
  const settle = (failed: unknown, retryAfter?: unknown) => {
    if (failed) {
      waiting.push(beacon);
      // Beacons fail together and share one pause; the server's word beats our own.
      if (!pause || retryAfter) {
        told = retryAfter;
        clearTimeout(pause);
        pause = setTimeout(
          () => flush((pause = 0)),
          // The seconds that the server asked for (not as a date), else 1, 2, 4 …
          Math.min(1e3 * (+(retryAfter as string) || 2 ** failures++), LONGEST) * (1 + Math.random()),
        ) as unknown as number;
      }
    } else {
      failures = 0;
    }
  };
  const [envelope, id, events] = beacon;
  const body = JSON.stringify({ ...envelope, ...(__WHOLE__ && extra), events, sent: Date.now(), id });
  if (__WHOLE__) {
    if (outgoing.push(beacon) > MOST) outgoing.shift();
  }
  try {
    // Firefox before 133 ends a fetch with its page: there, as where the page broke `fetch`, this throws.
    const answering = ("keepalive" in Request.prototype &&
      fetch(__FOOTFALL__.url, {
        keepalive: true,
        credentials: "omit",
        method: "POST",
        body,
      })) as Promise<Response>;
    answering
      .then((answer) => {
        // The server's word for a host that is none of the site's.
        stop(answer.status === 403 && "hostname");
        settle(answer.status > 428, answer.headers.get("Retry-After"));
        if (__WHOLE__) hooks.answered?.(answer, beacon);
      })
      .catch(settle);
  } catch {
    settle(!navigator.sendBeacon(__FOOTFALL__.url, body));
  }
};

/** Sends what waits. `urgent`: without regard to our own pause; one that the server asked for holds. */
export const flush = guard((urgent?: unknown) => {
  // Throws where it can't be known, in some frames and where an image has this name: then nothing is sent either.
  stop((document.cookie.match("ff_optout") || window.footfall?.optout) && "opt-out");
  (view as View).page ||= uuid();
  (view as View).title ||= document.title.slice?.(0, TITLE);
  (view as View).viewport ||= [innerWidth, innerHeight];
  // Formats cost a slow device fifty milliseconds when they are made for the first time.
  (view as View).tz ||= window.Temporal?.Now.timeZoneId() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  open = undefined;
  if (!(stopped || (__WHOLE__ && extra.hold) || (pause && (!urgent || told)))) waiting.splice(0).forEach(send);
});

/**
 * Records an event of the current page view; `alone`: in a beacon of its own, since one fault refuses it whole. When
 * too many wait, the oldest that is no view, time or exit goes, else the oldest; how many went is told later.
 */
export const emit = (name: string, props?: Props, alone?: boolean, at?: number): void => {
  const event = JSON.stringify({ name, at: (__WHOLE__ && at) || Date.now(), props });
  const cost = event.length + OWN;
  if (cost < LARGEST && (__WHOLE__ || waiting.length < MOST)) {
    if (alone || !open || (room -= cost) < 0) {
      open = [];
      room = LARGEST - cost;
      waiting.push([view as View, uuid(), open]);
    }
    // A copy: the page may change its object before the beacon goes.
    open.push(JSON.parse(event));
    if (__WHOLE__ && waiting.length > MOST) {
      const low = waiting.findIndex(([, , [first]]) => !/^(pagev|eng|exit)/.test((first as WireEvent).name));
      const [lost] = waiting.splice(Math.max(low, 0), 1) as [Beacon];
      losses[0] = ((losses[0] as number) | 0) + lost[2].length;
    }
    if (alone) {
      open = undefined;
    }
    setTimeout(flush, GATHER);
  }
};
