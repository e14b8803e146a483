import assert from "node:assert/strict";
import { test } from "node:test";
import { pageKey } from "../src/modules/pageKey";
import type { Config } from "../src/types";
import { world } from "./world";

const key = (address: string, config: Partial<Config> = {}) => {
  world(address, { config });
  return pageKey();
};
const SITE = "https://shop.example";

test("Two addresses are the same page when host, path and kept query are", () => {
  const cases: Array<[left: string, right: string, same: boolean]> = [
    ["/a", "/a", true],
    ["/a", "/b", false],
    ["/a", "/a/", false],
    ["/a", "/a?utm_source=x", true],
    ["/a?other=1", "/a?other=2", true],
    ["/a?q=1", "/a?q=2", false],
    ["/a?q=1&x=1", "/a?x=2&q=1", true],
    ["/a?faq=1", "/a?faq=2", true],
    ["/a#x", "/a#y", true],
  ];
  for (const [left, right, same] of cases) {
    assert.equal(key(SITE + left)[0] === key(SITE + right)[0], same, `${left} and ${right}`);
  }
  assert.notEqual(key("https://shop.example/a")[0], key("https://blog.example/a")[0]);
});

test("The path alone leaves the query out", () => {
  assert.equal(key(`${SITE}/a?q=1`)[1], key(`${SITE}/a?q=2`)[1]);
  assert.notEqual(key(`${SITE}/a?q=1`)[1], key(`${SITE}/b?q=1`)[1]);
});

test("With hash routes the hash is part of the path, and the empty route is #/", () => {
  const routes = { hash: true };
  assert.notEqual(key(`${SITE}/#/a`, routes)[1], key(`${SITE}/#/b`, routes)[1]);
  assert.equal(key(`${SITE}/`, routes)[1], key(`${SITE}/#/`, routes)[1]);
  assert.equal(key(`${SITE}/#`, routes)[1], key(`${SITE}/#/`, routes)[1]);
});
