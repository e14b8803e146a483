import type { Elements, Part } from "../types";

/** A shorter rest is passing by, ms. */
const LEAST = 500;

/** With consent, records how long the pointer rested on marked elements (`data-footfall-hover`); never where it went. */
export const hover: Part<Elements> = (core) => {
  let over: HTMLElement | undefined;
  let since = 0;
  const move = (to?: HTMLElement) => {
    if (to !== over) {
      const now = performance.now();
      const ms = (now - since) | 0;
      if (over && ms >= LEAST && core.consented()) {
        core.emit("hover", { target: over.dataset.footfallHover, ms });
      }
      over = to;
      since = now;
    }
  };
  core.listen<MouseEvent>("mouseover", (event) => move(core.innermost(event, "[data-footfall-hover]")));
  core.leaving.push(() => move());
};
