import { guard } from "../core/guard";
import { refusal } from "../core/refusal";
import type { Config } from "../types";
import { plain, readDevice } from "./device";

/** What the lazily loaded file gives. */
export interface Shown {
  open(): void;
}

/** Where visitors find their choices again: a link, or the element that shows them. */
const PLACES = 'footfall-choices,a[href$="#footfall-choices"]';
const HASH = "#footfall-choices";

/**
 * Runs before the snippet: tells it the choice that this device remembers, so that it goes with the first beacon, and
 * loads banner and preferences (a file of their own) only where they are needed.
 */
export const asking = guard((config: Config): void => {
  if (!window.footfall?.call) {
    window.footfall = (...call) => {
      window.footfall.q ||= [] as unknown as Calls;
      window.footfall.q.push(call);
    };
  }
  const { footfall } = window;
  // The same site twice on a page, or a second one: one banner is enough.
  if (footfall.choices) return;
  const reason = refusal();
  const device = readDevice();
  const current = device.version === plain(config.version);
  const { purposes, refused } = device;
  // The id ends thirteen months after the grant, whatever the receipt says: then it is asked again.
  const granted = current && (!purposes.includes("s") || !!device.visitor) && purposes;
  if (granted || refused || device.unshared) {
    const choice = {
      ...((granted || refused) && { statistics: /s/.test(purposes), ads: /a/.test(purposes), version: device.version }),
      ...(device.unshared && { sale: false }),
      ...(granted && device.visitor && { visitor: device.visitor }),
    };
    footfall("$consent", choice as never);
  }

  let loading: Promise<Shown> | undefined;
  const load = () =>
    (loading ??= import(`${config.url}/../js/${config.site}.choices.js`).then(({ choices }) => choices(config)));
  const open = () => load().then((shown) => shown.open());
  footfall.choices = () => {
    open().catch(() => {});
  };
  if (reason === "iframe" || reason === "localhost") return;

  const asks = !(granted || device.objected || (refused && current));
  /** A refusal whose withdrawal has not reached the collector yet. */
  const unfinished = (refused || device.objected) && (device.visitor || device.receipt);
  const look = guard(() => {
    if (location.hash === HASH) footfall.choices?.();
    else if (
      asks ||
      (reason && reason !== "opt-out") ||
      unfinished ||
      !document.querySelector(PLACES) ||
      document.querySelector("footfall-choices,footfall-embed")
    ) {
      load().catch(() => {});
    }
  });
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", look);
  else look();
  addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest?.(`a[href$="${HASH}"]`);
    if (link) {
      event.preventDefault();
      footfall.choices?.();
    }
  });
});
