import type { View } from "../types";
import { LONGEST, pageUrl } from "./pageUrl";

/** The page view that events belong to now; undefined before the first. */
export let view: View | undefined;

/** Begins the next page view. */
export const nextView = (): void => {
  view = {
    v: 1,
    gpc: navigator.globalPrivacyControl === true,
    // What a full page load would have said: the page before, which is the site's own. An element of this name is no text.
    referrer: view?.url ?? document.referrer.slice?.(0, LONGEST),
    url: pageUrl(),
    site: __FOOTFALL__.site,
    screen: [screen.width | 0, screen.height | 0],
    build: __FOOTFALL__.build,
  };
};
