import { hooks } from "../core/hooks";
import { listen } from "../core/listen";
import { emit } from "../core/outbox";
import { linkEvent } from "./linkEvent";

/** Characters of an address that the wire takes. */
const LONGEST = 300;

/**
 * Records links to other sites, downloads, phone numbers and mail addresses as they are clicked, also with the middle
 * button and inside open shadow roots. The link's query and fragment stay in the browser.
 */
export const links = (): void => {
  listen<MouseEvent>("click auxclick", (event) => {
    // Only links have a protocol; `closest` would stop at a shadow root.
    const link = event.composedPath().find((node) => (node as HTMLAnchorElement).protocol) as
      | HTMLAnchorElement
      | undefined;
    const name = link && linkEvent(link);
    // The right button opens a menu. The wire takes 300 characters.
    if (name && event.button < 2) {
      emit(name, {
        ...(__WHOLE__ && hooks.describe?.(link)),
        url: link.href.replace(/[?#].*/, "").slice(0, LONGEST),
      });
    }
  });
};
