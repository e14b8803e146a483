import type { Config, Elements, Part } from "../types";

/**
 * Shows each channel a phone number of its own, so that calls are counted by their source: in `tel:` links and in
 * elements with `data-footfall-number` that hold the usual one. With consent it stays for the tab's visit.
 */
export const calls: Part<Elements> = (core) => {
  const [usual, ...shown] = core.config.numbers as NonNullable<Config["numbers"]>;
  const digits = (number: string | null) => number?.replace(/[^\d+]/g, "");
  const number = ((core.consented() && sessionStorage.footfallNumber) ||
    shown.find(([pattern]) => RegExp(pattern).test(`${document.referrer} ${location.search}`))?.[1]) as string;
  const keep = () => {
    if (core.consented()) sessionStorage.footfallNumber = number;
  };
  if (number) {
    core.chosen(keep);
    core.watch("a[href^='tel:'],[data-footfall-number]", (element) => {
      const link = element as HTMLAnchorElement;
      if (digits(link.href || link.textContent) === digits(usual)) {
        if (link.href) link.href = `tel:${digits(number)}`;
        if (digits(link.textContent) === digits(usual)) link.textContent = number;
      }
    });
  }
};
