import type { Elements, Part } from "../types";

/**
 * Events that are tagged in HTML: `data-footfall-event="signup"` on a click, `data-footfall-on="submit"` or
 * `"visible"` instead (forms: on submit), with `data-footfall-prop-plan="pro"`.
 */
export const tags: Part<Elements> = (core) => {
  const emit = ({ attributes, dataset }: HTMLElement) => {
    const props: Record<string, string | number> = {};
    for (const { name, value } of attributes) {
      const key = name.split("data-footfall-prop-")[1];
      if (key) props[key] = /^(revenue|results)$/.test(key) ? +value : value;
    }
    core.emit(dataset.footfallEvent as string, props, true);
  };

  core.listen<MouseEvent>("click submit", (event) => {
    const found = core.innermost(event, "[data-footfall-event]");
    if (found && event.type === (found.dataset.footfallOn ?? (found.localName === "form" ? "submit" : "click"))) {
      emit(found);
    }
  });
  core.watch("[data-footfall-on=visible]", (element) => {
    const observer = new IntersectionObserver(
      core.guard((entries: IntersectionObserverEntry[]) => {
        if (entries.pop()?.isIntersecting) {
          observer.disconnect();
          emit(element);
        }
      }),
    );
    observer.observe(element);
  });
};
