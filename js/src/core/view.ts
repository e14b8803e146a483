import type { View } from "../types";
import { pageUrl } from "./pageUrl";

/** The page view that events belong to now; undefined before the first. */
export let view: View | undefined;

/** Begins the next page view. */
export const nextView = (): void => {
  view = {
    v: 1,
    site: __FOOTFALL__.site,
    build: __FOOTFALL__.build,
    gpc: navigator.globalPrivacyControl === true,
    url: pageUrl(),
    // What a full page load would have said: the page before, which is the site's own.
    referrer: view?.url ?? document.referrer,
    lang: navigator.language,
    screen: [screen.width, screen.height],
  };
};
