import type { View } from "../types";
import { pageUrl } from "./pageUrl";

/** The page view that events belong to now; undefined before the first. */
export let view: View | undefined;

/** Begins the next page view. */
export const nextView = (): void => {
  view = {
    gpc: navigator.globalPrivacyControl === true,
    v: 1,
    // What a full page load would have said: the page before, which is the site's own.
    referrer: view?.url ?? document.referrer,
    url: pageUrl(),
    site: __FOOTFALL__.site,
    screen: [screen.width, screen.height],
    build: __FOOTFALL__.build,
  };
};
