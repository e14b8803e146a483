import type { View } from "../types";
import { pageUrl } from "./pageUrl";
import { uuid } from "./uuid";

/** The page view that events belong to now; undefined before the first. */
export let view: View | undefined;

/** Begins the next page view. */
export const nextView = (): void => {
  view = {
    v: 1,
    site: __FOOTFALL__.site,
    build: __FOOTFALL__.build,
    gpc: navigator.globalPrivacyControl === true,
    page: uuid(),
    url: pageUrl(),
    // What a full page load would have said: the page before, which is the site's own.
    referrer: view?.url ?? document.referrer,
    // Formats cost a slow device fifty milliseconds when they are made for the first time.
    tz: window.Temporal?.Now.timeZoneId() ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    lang: navigator.language,
    screen: [screen.width, screen.height],
  };
};
