import { guard } from "../core/guard";
import { hooks } from "../core/hooks";
import { leaving } from "../core/leave";
import { listen } from "../core/listen";
import { emit, losses } from "../core/outbox";

/** Less is not worth a beacon, ms; it is carried over to the next one. */
const LEAST = 100;
/** How often the clock is read while nothing happens, ms. */
const TICK = 5e3;
/** A longer gap between two readings was sleep, not reading, ms. */
const GAP = 1e4;
/** What a crash can take at most, give or take a tick, ms. */
const HEARTBEAT = 3e4;

/**
 * Measures how long the page was in front (visible, and focused or with media playing) and how far it was scrolled. Each `engagement` event
 * carries the milliseconds since the one before, so a page view's time is their sum; `scroll` is the depth so far, in
 * percent. Sent when the page is hidden or left, and by a heartbeat that beats only while the page is in front.
 */
export const engagement = (): void => {
  let engaged = 0;
  let depth = 0;
  let read = 0;
  let front: unknown;

  const look = () => {
    const now = performance.now();
    // Not when the page begins: it would have to be laid out for it.
    if (front) {
      engaged += Math.min(now - read, GAP);
      depth = Math.max(depth, scrollY + innerHeight);
    }
    read = now;
    front = !document.hidden && (__WHOLE__ ? document.hasFocus() || hooks.playing : document.hasFocus());
  };

  const report = (least: number) => {
    look();
    const ms = engaged | 0;
    if (ms >= least) {
      engaged -= ms;
      // Against the height of now: pages grow while they load.
      emit("engagement", {
        scroll: (100 * Math.min(1, depth / document.documentElement.scrollHeight)) | 0,
        ms,
        ...(__WHOLE__ ? { dropped_client: losses.pop() } : {}),
      });
    }
  };

  leaving.push((why) => {
    report(LEAST);
    if (why) engaged = depth = 0;
  });
  // After the frame: in the handler a page that has just changed would have to be laid out for it.
  listen("scroll blur focus visibilitychange", () => setTimeout(look));
  look();
  setInterval(
    guard(() => report(HEARTBEAT)),
    TICK,
  );
};
