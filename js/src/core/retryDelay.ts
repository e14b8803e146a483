/** Longest pause, ms: timers overflow after 25 days and would fire at once. */
const LONGEST = 36e5;

/**
 * Milliseconds until the next try: the seconds that the server asked for (not as a date), else 1, 2, 4 … seconds, at
 * most an hour; up to twice of that, so that browsers don't come back together.
 */
export const retryDelay = (retryAfter: unknown, failures: number): number =>
  Math.min(1e3 * (+(retryAfter as string) || 2 ** failures), LONGEST) * (1 + Math.random());
