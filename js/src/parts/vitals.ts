import { type Metric, onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";
import type { Part } from "../types";

/** A file that takes so long is slow, ms. */
const SLOW = 1e3;

/**
 * Records how fast the page was, once for each document, when it is hidden or left for the first time; and which host
 * the slowest of the files came from that it had to wait for until its load.
 */
export const vitals: Part = (core) => {
  const told: Record<string, number> = {};
  const note = ({ name, value }: Metric) => {
    told[name.toLowerCase()] = name === "CLS" ? value : Math.max(0, Math.round(value));
  };
  const begin = () =>
    setTimeout(
      core.guard(() => {
        for (const on of [onTTFB, onFCP, onLCP, onINP, onCLS]) on(note, { reportAllChanges: true });
      }),
    );
  // The browser keeps what was before; the page's own way to its load is not made longer.
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin);
  let done = false;
  core.leaving.push((why) => {
    const [page] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    if (!done && (why || document.hidden) && page) {
      done = true;
      const [slowest] = (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
        .filter(({ duration, responseEnd }) => duration >= SLOW && responseEnd <= page.loadEventEnd)
        .sort((a, b) => b.duration - a.duration);
      core.emit("vitals", {
        ...told,
        dom_ready: page.domContentLoadedEventEnd | 0 || undefined,
        load: page.loadEventEnd | 0 || undefined,
        slow_host: slowest && new URL(slowest.name).hostname,
      });
    }
  });
};
