import type { Part } from "../types";

/** What happened longer ago did not lead away: a download, a navigation that the page stopped. ms. */
const STALE = 3e4;

/**
 * Records how each page was left, by what happened last: link, outbound, form, back_forward, reload. After nothing:
 * `other` where the browser keeps the page for a way back (an address was typed, a bookmark chosen), else `close`. A
 * reload or a way back that only the browser knew of is told by the page that it led to, as an exit that `settles` the
 * one before.
 */
export const exits: Part = (core) => {
  let last: Partial<Navigate> = {};
  let method: string | undefined;
  let host: string;
  const note = (event: Partial<Navigate>) => {
    const { type, navigationType, destination } = event;
    const link = (event as Event).composedPath().find((node) => (node as HTMLAnchorElement).href) as
      | HTMLAnchorElement
      | undefined;
    const url = destination?.url ?? (link?.target ? "" : link?.href);
    last = event;
    if (navigationType === "reload") method = navigationType;
    else if (navigationType === "traverse") method = "back_forward";
    // A form's own way on comes after it.
    else if (type === "submit" || (navigationType && method === "form")) method = "form";
    else if (/^http/.test(url as string)) {
      host = new URL(url as string).hostname;
      method = host === location.hostname ? "link" : "outbound";
    } else method = undefined;
  };
  core.listen("click submit", note);
  window.navigation?.addEventListener("navigate", core.guard(note) as unknown as EventListener);

  core.leaving.push((why) => {
    if (why) {
      const { type, timeStamp, persisted } = (window.event ?? {}) as PageTransitionEvent;
      // In browsers without the Navigation API the view has changed before anything else is heard of a way back.
      // A page that handles a click itself stays, and so it does on a way to one of its own places.
      const stays = why > 1 && (last.defaultPrevented || last.destination?.sameDocument);
      if (stays || timeStamp - (last.timeStamp as number) > STALE) method = "";
      method ||= type === "popstate" ? "back_forward" : why < 2 || persisted ? "other" : "close";
      core.emit("exit", { method, host: method === "outbound" ? host : undefined });
      method = undefined;
    }
  });
  const { type } = performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming;
  if (/^[rb]/.test(type)) core.emit("exit", { method: type, settles: true });
};
