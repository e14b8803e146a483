import assert from "node:assert/strict";
import { test } from "node:test";
import { uuid } from "../src/core/uuid";

test("Ids are UUIDs without dashes, all different, all digits in use", () => {
  const ids = Array.from({ length: 1000 }, uuid);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(new Set(ids.map((id) => id[0])).size, 16);
});
