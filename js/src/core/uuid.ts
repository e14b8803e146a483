/**
 * A random UUID, without dashes. Not by `crypto.randomUUID`: pages served by plain http don't have it, all have
 * `getRandomValues`.
 */
export const uuid = (): string =>
  crypto.getRandomValues(new Uint8Array(32)).reduce((id, digit) => id + (digit & 15).toString(16), "");
