import { linkEvent } from "../modules/linkEvent";
import type { Core, View } from "../types";
import { guard } from "./guard";
import { leaving } from "./leave";
import { listen } from "./listen";
import { objected } from "./objection";
import { emit, extra, flush, outgoing, waiting } from "./outbox";
import { view } from "./view";

/** What repeats itself is told so often in one page view. */
const MOST = 20;

const choosing: Array<() => void> = [];
const seen = new Set<string>();
let seenIn: View | undefined;

/** What parts are handed, and what they add to it for the modules that every site has and for each other. */
export const hooks: Core = {
  config: __FOOTFALL__,
  extra,
  leaving,
  waiting,
  outgoing,
  commands: { $optOut: objected },
  flush,
  emit,
  listen,
  guard,
  linkEvent,
  chosen: (run) => {
    if (run) choosing.push(run);
    (run ? [run] : choosing).forEach((one) => {
      one();
    });
  },
  fresh: (key) => {
    if (seenIn !== view) seen.clear();
    seenIn = view;
    return seen.size < MOST && seen.size < seen.add(key).size;
  },
  consented: () => extra.consent?.statistics ?? __FOOTFALL__.unchosen === "open",
};
