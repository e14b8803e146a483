import type { Elements, Part } from "../types";

/** With consent, records that text was copied and in which part of the page; never which text. */
export const copy: Part<Elements> = (core) => {
  core.listen("copy cut", (event) => {
    const { role, region } = core.describe(event.target as Element, true);
    if (core.consented()) core.emit("copy", { role, region });
  });
};
