import { guard } from "../core/guard";
import { hooks } from "../core/hooks";
import { leave } from "../core/leave";
import { listen } from "../core/listen";
import { emit } from "../core/outbox";
import { nextView, view } from "../core/view";
import { pageKey } from "./pageKey";

/**
 * Counts page views: the first one, those of single-page apps, and pages restored by back and forward. A view is
 * counted when host, path or kept query differ from the last counted one; replacing the address counts only with
 * another path, since routers replace it on their own.
 */
export const pageviews = (): void => {
  let counted: readonly string[] = [];

  /** `part` of the key must differ: 0 the whole, 1 the path alone, where an address was replaced. */
  const moved = guard((part: number) => {
    const key = pageKey();
    if (key[part] !== counted[part]) {
      counted = key;
      if (view) leave(1);
      nextView();
      emit("pageview");
    }
  });

  const again = () => {
    counted = [];
    moved(0);
  };

  moved(0);
  listen<PageTransitionEvent>("pageshow", ({ persisted }) => {
    if (persisted) again();
  });
  if (__WHOLE__) hooks.again = again;
  // An element with the id `navigation` is found here too, in browsers without the interface.
  if (window.navigation?.currentEntry) {
    window.navigation.addEventListener("currententrychange", (event) =>
      moved(+((event as CurrentEntryChange).navigationType === "replace")),
    );
  } else {
    listen("popstate hashchange", () => moved(0));
    (["pushState", "replaceState"] as const).forEach((name, replaced) => {
      const original = history[name];
      history[name] = (...args) => {
        original.apply(history, args);
        moved(replaced);
      };
    });
  }
};
