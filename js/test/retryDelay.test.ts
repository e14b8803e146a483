import assert from "node:assert/strict";
import { test } from "node:test";
import { retryDelay } from "../src/core/retryDelay";

/** The bounds of the delay, seconds: its jitter is at most once the delay. */
function bounds(retryAfter: unknown, failures: number): [number, number] {
  const seen = Array.from({ length: 200 }, () => retryDelay(retryAfter, failures) / 1000);
  return [Math.min(...seen), Math.max(...seen)];
}

test("The pause doubles with each failure, up to an hour, and is spread", () => {
  for (const [failures, seconds] of [
    [0, 1],
    [1, 2],
    [5, 32],
    [12, 3600],
    [60, 3600],
    [2000, 3600],
  ] as const) {
    const [least, most] = bounds(null, failures);
    assert.ok(least >= seconds && most < 2 * seconds && most > least, `${failures} failures: ${least} to ${most} s`);
  }
});

test("What the server asks for is never undercut, unless it is more than an hour", () => {
  for (const [retryAfter, seconds] of [
    ["7", 7],
    ["120", 120],
    ["99999999", 3600],
  ] as const) {
    const [least, most] = bounds(retryAfter, 0);
    assert.ok(least >= seconds && most < 2 * seconds, `Retry-After ${retryAfter}: ${least} to ${most} s`);
  }
});

test("Retry-After as a date or in no form at all leaves the browser's own pause", () => {
  for (const retryAfter of ["Wed, 21 Oct 2026 07:28:00 GMT", "", "soon", null, undefined]) {
    const [least, most] = bounds(retryAfter, 2);
    assert.ok(least >= 4 && most < 8, `Retry-After ${retryAfter}: ${least} to ${most} s`);
  }
});
