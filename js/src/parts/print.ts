import type { Part } from "../types";

/** Records that the page was printed. */
export const print: Part = (core) => {
  core.listen("beforeprint", () => core.emit("print"));
};
