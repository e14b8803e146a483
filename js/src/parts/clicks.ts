import type { Elements, Part } from "../types";

/** So many clicks within this time and distance are rage: ms and pixels. */
const RAGE = 3;
const SOON = 1e3;
const NEAR = 30;
/** A click that changes nothing for so long is dead, ms. */
const DEAD = 1500;

/**
 * Records clicks on what can be clicked: its name, what it is, and the part of the page. Links that have an event of
 * their own are left to it. With consent also rage clicks (also on what can't be clicked) and dead ones; a click that
 * may be dead is recorded when that is known, with the time when it happened.
 */
export const clicks: Part<Elements> = (core) => {
  let recent: Array<readonly [at: number, x: number, y: number]> = [];
  let changed = 0;
  const pending = new Set<(left?: unknown) => void>();
  const alive = () => {
    changed = performance.now();
  };
  const observer = new MutationObserver(alive);

  core.listen("scroll input", alive);
  core.leaving.push(() => pending.forEach((settle) => settle(true)));
  core.listen<MouseEvent>("click", (event) => {
    const { clientX, clientY, ctrlKey, metaKey } = event;
    const now = performance.now();
    const at = Date.now();
    const found = core.innermost(event, "a,button,summary,input,select,[onclick],[tabindex],[role=button]");
    recent = recent.filter(([then, x, y]) => now - then < SOON && Math.hypot(x - clientX, y - clientY) < NEAR);
    const rage = recent.push([now, clientX, clientY]) === RAGE && core.consented();
    if (rage || (found && !core.linkEvent(found as HTMLAnchorElement))) {
      const told = core.describe(found ?? (event.target as Element), !found);
      const emit = (flag?: string) => core.emit("click", { ...told, flag }, false, at);
      // What these change is seen by no observer.
      if (rage || !core.consented() || ctrlKey || metaKey || found?.matches("input,select,[target]")) {
        emit(rage ? "rage" : undefined);
      } else {
        const settle = (left?: unknown) => {
          if (pending.delete(settle)) {
            emit(left || changed > now ? undefined : "dead");
            if (!pending.size) observer.disconnect();
          }
        };
        pending.add(settle);
        observer.observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
        setTimeout(
          core.guard(() => settle()),
          DEAD,
        );
      }
    }
  });
};
