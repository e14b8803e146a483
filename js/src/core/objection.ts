/**
 * The visitor objects, or the owner leaves the count: nothing more is sent, from this device not until `false` takes it
 * back. That is the one thing kept without a choice, since it was asked for.
 */
export const objected = (undo?: unknown): void => {
  // biome-ignore lint/suspicious/noDocumentCookie: the cookie store is not in every browser that we serve.
  document.cookie = `ff_optout=o;path=/;max-age=${+((window.footfall.optout = undo !== false)) * 3456e4}`;
};
