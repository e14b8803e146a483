import type { Part } from "../types";

/**
 * Where some region's policy waits for the visitor's choice and this one's may not: asks the collector which it is, and
 * lets go what waits where no choice is needed. Until it answers, and where it does not, the strictest holds.
 */
export const region: Part = (core) => {
  const { url, site } = core.config;
  fetch(`${url}/../c/${site}`, { credentials: "omit", referrerPolicy: "no-referrer-when-downgrade" })
    .then((answer) => answer.json())
    .then(({ choice_needed }) => {
      if (choice_needed === false && !core.extra.consent) {
        core.extra.hold = undefined;
        core.flush();
      }
    })
    .catch(() => {});
};
