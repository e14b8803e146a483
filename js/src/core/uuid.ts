/**
 * A random UUID (version 4; of the four variant digits always 8). Not by `crypto.randomUUID`: pages served by plain
 * http don't have it, all have `getRandomValues`.
 */
export const uuid = (): string =>
  "00000000-0000-4000-8000-000000000000".replace(/0/g, () =>
    ((crypto.getRandomValues(new Uint8Array(1))[0] as number) & 15).toString(16),
  );
