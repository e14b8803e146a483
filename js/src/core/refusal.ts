import type { Reason } from "../types";

/**
 * Why this page must not be counted; undefined if it may be. Signals and place hold for the life of a page. Whether
 * somebody objected is asked when something is sent (`flush`): to read cookies holds up a page that is still loading.
 */
export const refusal = (): Reason | undefined => {
  const reasons: Array<Reason | false | undefined | ""> = [
    // A file has no host, and is as much this machine's.
    /^(127.*\d|\[::1]|(.*\.)?localhost|)$/.test(location.hostname) && "localhost",
    navigator.globalPrivacyControl === true && "GPC",
    // Firefox once said "yes".
    /1|y/.test(navigator.doNotTrack as string) && "DNT",
    top !== self && "iframe",
    ...(__WHOLE__
      ? [__FOOTFALL__.exclude && RegExp(__FOOTFALL__.exclude).test(location.pathname) && ("path" as const)]
      : []),
  ];
  return reasons.find((reason) => reason && !__FOOTFALL__.allow?.includes(reason)) as Reason | undefined;
};
