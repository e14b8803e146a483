/**
 * A random UUID (version 4; of the four variant digits always 8). Not by `crypto.randomUUID`: pages served by plain
 * http don't have it, all have `getRandomValues`. An array of one number is that number to `%`.
 */
export const uuid = (): string =>
  "ssssssss-ssss-4sss-8sss-ssssssssssss".replace(/s/g, () =>
    ((crypto.getRandomValues(new Uint8Array(1)) as never) % 16).toString(16),
  );
