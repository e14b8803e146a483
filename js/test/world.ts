import type { Config } from "../src/types";

const CONFIG: Config = {
  url: "https://stats.example/e",
  site: "key",
  build: "0",
  download: "pdf|docx?",
  search: "q",
};

/** The little of a browser that pure functions ask for: an address, signals, a site's configuration. */
export function world(
  address: string,
  { config, ...browser }: { config?: Partial<Config>; [name: string]: unknown } = {},
): void {
  const page = { self: "page", top: "page", footfall: {}, navigator: {}, document: { cookie: "" }, ...browser };
  const globals = { location: new URL(address), __FOOTFALL__: { ...CONFIG, ...config }, window: page, ...page };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}
