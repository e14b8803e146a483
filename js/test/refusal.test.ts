import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal } from "../src/core/refusal";
import type { Reason } from "../src/types";
import { world } from "./world";

const SITE = "https://shop.example/";

test("A page is counted when nothing speaks against it", () => {
  world(SITE);
  assert.equal(refusal(), undefined);
});

test("Only the value true is Global Privacy Control; some extensions inject other values", () => {
  const cases: Array<[unknown, Reason | undefined]> = [
    [true, "GPC"],
    [false, undefined],
    [undefined, undefined],
    ["1", undefined],
    ["true", undefined],
    [1, undefined],
  ];
  for (const [globalPrivacyControl, expected] of cases) {
    world(SITE, { navigator: { globalPrivacyControl } });
    assert.equal(refusal(), expected, `globalPrivacyControl = ${String(globalPrivacyControl)}`);
  }
});

test("Do Not Track is 1 or yes", () => {
  const cases: Array<[unknown, Reason | undefined]> = [
    ["1", "DNT"],
    ["yes", "DNT"],
    ["0", undefined],
    ["no", undefined],
    ["unspecified", undefined],
    [null, undefined],
  ];
  for (const [doNotTrack, expected] of cases) {
    world(SITE, { navigator: { doNotTrack } });
    assert.equal(refusal(), expected, `doNotTrack = ${String(doNotTrack)}`);
  }
});

test("A machine's own addresses are localhost, other hosts that look like them are not", () => {
  const local = [
    "http://localhost/",
    "http://app.localhost:3000/",
    "http://127.0.0.1/",
    "http://127.9.9.9/",
    "http://[::1]/",
  ];
  const public_ = [
    "https://mylocalhost/",
    "https://localhost.example/",
    "https://127.example/",
    "https://127.0.0.1.example/",
  ];
  for (const address of local) {
    world(address);
    assert.equal(refusal(), "localhost", address);
  }
  for (const address of public_) {
    world(address);
    assert.equal(refusal(), undefined, address);
  }
});

test("A file has no host, a frame has another window on top", () => {
  world("file:///home/page.html");
  assert.equal(refusal(), "localhost");
  world(SITE, { top: "another" });
  assert.equal(refusal(), "iframe");
});

test("What a site does not mind is no reason, the next reason still is", () => {
  world("http://localhost/", { config: { allow: ["localhost"] } });
  assert.equal(refusal(), undefined);
  world("http://localhost/", {
    config: { allow: ["GPC", "DNT"] },
    navigator: { globalPrivacyControl: true, doNotTrack: "1" },
  });
  assert.equal(refusal(), "localhost");
});
