import type { Part } from "../types";

/** With consent, tells the browser's plug-ins. Today's browsers answer with a fixed list. */
export const plugins: Part = (core) => {
  const tell = () => {
    core.extra.plugins = core.consented()
      ? Array.from(navigator.plugins, ({ name, version }: Plugin & { version?: string }) =>
          version ? `${name}/${version}` : name,
        ).slice(0, 50)
      : undefined;
  };
  core.chosen(tell);
};
