import assert from "node:assert/strict";
import { test } from "node:test";
import { linkEvent } from "../src/modules/linkEvent";
import { world } from "./world";

test("A link's event follows from scheme, host, extension and download attribute", () => {
  const cases: Array<[href: string, expected: string | false, attribute?: boolean]> = [
    ["https://shop.example/b", false],
    ["https://www.shop.example/b", false],
    ["https://other.example/b", "outbound"],
    ["http://other.example/b", "outbound"],
    ["https://blog.shop.example/", "outbound"],
    ["https://shop.example/price.pdf", "download"],
    ["https://shop.example/PRICE.PDF?x=1#page=2", "download"],
    ["https://shop.example/letter.docx", "download"],
    ["https://shop.example/page.pdf/more", false],
    ["https://shop.example/pdf", false],
    ["https://cdn.example/price.pdf", "download"],
    ["https://shop.example/report", "download", true],
    ["tel:+41441234567", "tel"],
    ["mailto:info@shop.example", "mailto"],
    ["sms:+41441234567", false],
    ["javascript:void(0)", false],
    ["blob:https://shop.example/1", false],
  ];
  world("https://shop.example/a");
  for (const [href, expected, attribute = false] of cases) {
    const { protocol, hostname, pathname } = new URL(href);
    assert.equal(linkEvent({ protocol, hostname, pathname, hasAttribute: () => attribute }), expected, href);
  }
});

test("From www, links to the bare domain stay on the site", () => {
  world("https://www.shop.example/a");
  const { protocol, hostname, pathname } = new URL("https://shop.example/b");
  assert.equal(linkEvent({ protocol, hostname, pathname, hasAttribute: () => false }), false);
});
