import type { Elements, Part } from "../types";

/** Records that a form was sent, and with consent that one was begun and not sent. Never what was written. */
export const forms: Part<Elements> = (core) => {
  const begun = new Set<Element>();
  const emit = (name: string, form: Element) => core.emit(name, core.describe(form, true));
  core.listen("submit input", (event) => {
    const form = core.innermost(event, "form");
    if (form && event.type === "input") begun.add(form);
    else if (form) {
      begun.delete(form);
      emit("form_submit", form);
    }
  });
  core.leaving.push((why) => {
    if (why) {
      begun.forEach((form) => core.consented() && emit("form_abandon", form));
      begun.clear();
    }
  });
};
