import assert from "node:assert/strict";
import { test } from "node:test";
import { guard } from "../src/core/guard";

test("An error stays inside, arguments and effects pass", () => {
  const seen: number[] = [];
  const guarded = guard((left: number, right: number) => {
    seen.push(left + right);
    throw new Error("inside");
  });
  assert.doesNotThrow(() => guarded(1, 2));
  assert.deepEqual(seen, [3]);
});
