import { engagement } from "../modules/engagement";
import { links } from "../modules/links";
import { pageviews } from "../modules/pageviews";
import type { Part } from "../types";
import { guard } from "./guard";
import { hooks } from "./hooks";
import { leave } from "./leave";
import { listen } from "./listen";
import { objected } from "./objection";
import { emit } from "./outbox";
import { refusal } from "./refusal";
import { stop, stopped } from "./stop";
import { view } from "./view";

/**
 * Starts the snippet: once per site key and page, not at all where the page must not be counted, and only when the
 * page is seen (one that was prerendered or opened in the background is counted when it comes to the front).
 */
export const start = (parts?: readonly Part[]): unknown => {
  // An element with this id is found here too.
  if (!window.footfall?.call) {
    window.footfall = (...call) => {
      calls.push(call);
    };
  }
  const calls = (window.footfall.q ||= [] as unknown as Calls);
  if (calls[__FOOTFALL__.site]) return undefined;
  // A developer asks what would be sent: another script shows it in this one's place, and nothing is counted.
  if (!(__WHOLE__ && __FOOTFALL__.debug) && location.search.match("footfall=debug")) {
    return import(`${__FOOTFALL__.url}/../js/${__FOOTFALL__.site}.debug.js`);
  }

  const take = guard(([name, options]: Call) => {
    if (__WHOLE__ && name[0] === "$") (hooks.commands[name] as (value: unknown) => void)(options);
    else if (view) emit(name, options?.props, true);
  });
  const { next } = calls;
  calls[__FOOTFALL__.site] =
    calls.push =
    calls.next =
      (call) => {
        next?.(call);
        take(call);
      };

  const wake = () => {
    if (view) {
      leave(__WHOLE__ && window.event?.type === "pagehide" ? 2 : 0);
    } else if (!document.hidden) {
      pageviews();
      engagement();
      links();
      if (__WHOLE__) {
        parts?.forEach((part) => {
          guard(part)(hooks);
        });
      }
      calls.forEach(take);
    }
  };
  window.footfall.optOut = objected;
  // The owner's own link.
  if (__WHOLE__ && location.search.match("footfall=ignore")) objected();
  stop(refusal());
  if (!stopped) {
    listen("pagehide freeze online visibilitychange", wake);
    wake();
  }
  return undefined;
};
