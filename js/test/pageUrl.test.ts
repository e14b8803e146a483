import assert from "node:assert/strict";
import { test } from "node:test";
import { pageUrl } from "../src/core/pageUrl";
import { world } from "./world";

test("The fragment stays in the browser, except hash routes and campaign tags", () => {
  const cases: Array<[address: string, hash: boolean, expected: string]> = [
    ["https://shop.example/a?b=c#token=secret", false, "https://shop.example/a?b=c"],
    ["https://shop.example/a#utm_source=x", false, "https://shop.example/a#utm_source=x"],
    ["https://shop.example/a#x&utm_source=x", false, "https://shop.example/a#x&utm_source=x"],
    ["https://shop.example/#/route?x=1", true, "https://shop.example/#/route?x=1"],
    ["https://shop.example/", false, "https://shop.example/"],
  ];
  for (const [address, hash, expected] of cases) {
    world(address, { config: { hash } });
    assert.equal(pageUrl(), expected);
  }
});

test("An address longer than the wire takes is cut, so that the page is counted all the same", () => {
  world(`https://shop.example/?a=${"x".repeat(9000)}`);
  assert.equal(pageUrl().length, 8000);
});
