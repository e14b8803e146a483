import type { Elements, Part } from "../types";

/*
 * Viewability as the Media Rating Council defines it: half of the advertisement (of one larger than 242,500 pixels three
 * tenths) in the window of the page in front, for one second without a break, two for video.
 */
const LARGE = 242_500;

/**
 * Records advertisements (`data-footfall-ad="slot"`, `data-footfall-creative="name"`), with the consent to advertising
 * alone: where each stood, how much of it could be seen and for how long, and whether a hidden tab or another element
 * made it invisible. A new creative in the same slot is a new impression. Told when the page is hidden or left.
 */
export const ads: Part<Elements> = (core) => {
  const track = (slot: HTMLElement) => {
    const { dataset, offsetWidth, offsetHeight } = slot;
    let part = 0;
    let creative: string | undefined;
    let position = "";
    /** Since when it can be seen without a break; the longest such time; the largest part of it. */
    let since = 0;
    let ms = 0;
    let visible = 0;
    let quality: string | undefined;
    let told: boolean | undefined;

    const measure = () => {
      const now = performance.now();
      if (since) ms = Math.max(ms, (now - since) | 0);
      let seen = false;
      if (!document.hidden) {
        visible = Math.max(visible, part);
        if (part >= (offsetWidth * offsetHeight > LARGE ? 0.3 : 0.5)) {
          const { left, top, width, height } = slot.getBoundingClientRect();
          const there = document.elementFromPoint(left + width / 2, top + height / 2);
          // What lies over its middle covers it; what holds it does not.
          seen = !there || slot.contains(there) || there.contains(slot);
          if (!seen) quality = "stacked";
        }
      }
      since = seen ? since || now : 0;
    };
    const begin = () => {
      creative = dataset.footfallCreative;
      position = slot.getBoundingClientRect().top + scrollY < innerHeight ? "above" : "below";
      ms = visible = since = 0;
      quality = document.hidden ? "hidden" : undefined;
      told = false;
      measure();
    };
    const tell = (why: unknown) => {
      measure();
      if (!told && (why || (document.hidden && ms >= (slot.querySelector("video") ? 2e3 : 1e3)))) {
        told = true;
        core.emit("ad_impression", { slot: dataset.footfallAd, creative, position, ms, visible, quality });
      }
      if (why) begin();
    };

    begin();
    new IntersectionObserver(
      core.guard((entries: IntersectionObserverEntry[]) => {
        part = entries.pop()?.intersectionRatio as number;
        measure();
      }),
      { threshold: [0, 0.3, 0.5, 0.75, 1] },
    ).observe(slot);
    new MutationObserver(core.guard(tell)).observe(slot, { attributeFilter: ["data-footfall-creative"] });
    core.leaving.push(tell);
  };

  let started: unknown;
  const start = () => {
    if (!started && core.extra.consent?.ads) {
      started = true;
      core.watch("[data-footfall-ad]", track);
    }
  };
  core.chosen(start);
};
