import type { Part } from "../types";

/**
 * Records files that did not load, each once in a page view: elements that say so, every answer of 400 and more that
 * the browser's list of files tells, and a `fetch` without any answer. And a page that was not found.
 */
export const load_errors: Part = (core) => {
  const record = (url: string, kind: string, status?: number) => {
    const resource = /^http[^?#]{1,292}/.exec(url)?.[0];
    if (resource && !url.startsWith(core.config.url) && core.fresh(resource)) {
      core.emit("load_error", { resource, kind, status });
    }
  };
  core.listen("error", ({ target }) => {
    const { currentSrc, src, href, localName } = target as HTMLImageElement & HTMLLinkElement;
    // The browser's list knows more, and may come later.
    setTimeout(record, 99, currentSrc || src || href, localName);
  });
  new PerformanceObserver(
    core.guard((list: PerformanceObserverEntryList) => {
      (list.getEntries() as PerformanceResourceTiming[]).forEach(({ name, initiatorType, responseStatus }) => {
        if (responseStatus > 399) record(name, initiatorType, responseStatus);
      });
    }),
  ).observe({ type: "resource", buffered: true });
  if ((performance.getEntriesByType("navigation")[0] as PerformanceResourceTiming).responseStatus === 404) {
    core.emit("not_found");
  }
  // The list tells of a fetch without an answer as of one that the page gave up; what the page is handed tells them apart.
  const { fetch } = window;
  window.fetch = (...args) => {
    const answering = fetch.apply(window, args);
    return (
      answering.catch?.((error) => {
        const [asked] = args as [Request];
        setTimeout(
          core.guard(() => error instanceof TypeError && record(new Request(asked.url ?? asked).url, "fetch")),
          99,
        );
        throw error;
      }) ?? answering
    );
  };
};
