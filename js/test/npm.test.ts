import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const FOLDER = new URL("../npm/", import.meta.url).pathname;
const run = (code: string) =>
  spawnSync(process.execPath, ["--input-type=module", "--eval", code], { cwd: FOLDER, encoding: "utf8" });

test("On a server importing and calling do nothing", () => {
  const { status, stderr } = run(`
    import { footfall, install } from "./index.js";
    install("https://stats.example/js/key.js");
    footfall("signup", { props: { plan: "pro" } });
    footfall.consent({ statistics: true });
    if ((await footfall.show()).length || "window" in globalThis) process.exit(1);
  `);
  assert.equal(status, 0, stderr);
});

test("In a browser calls wait in the queue, and the script is added once", () => {
  const { status, stdout, stderr } = run(`
    import { footfall, install } from "./index.js";
    const scripts = [];
    globalThis.window = globalThis;
    globalThis.document = { scripts, createElement: () => ({}), head: { append: (one) => scripts.push(one) } };
    footfall("early", { props: { n: 1 } });
    footfall.consent({ statistics: true });
    install("https://stats.example/js/key.js");
    install("https://stats.example/js/key.js");
    console.log(JSON.stringify([window.footfall.q, scripts]));
  `);
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), [
    [
      ["early", { props: { n: 1 } }],
      ["$consent", { statistics: true }],
    ],
    [{ async: true, src: "https://stats.example/js/key.js" }],
  ]);
});

test("The package holds what it lists, and nothing runs on import", () => {
  const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--json"], { cwd: FOLDER, encoding: "utf8" });
  const [{ files }] = JSON.parse(stdout) as [{ files: Array<{ path: string }> }];
  assert.deepEqual(files.map(({ path }) => path).sort(), ["README.md", "index.d.ts", "index.js", "package.json"]);
});

test("An objection holds at once and for later pages, whether the snippet comes or not", () => {
  const { status, stdout, stderr } = run(`
    import { footfall } from "./index.js";
    globalThis.window = globalThis;
    const kept = [];
    globalThis.document = { set cookie(text) { kept.push(text); } };
    const told = [];
    footfall.optOut();
    told.push(window.footfall.optout);
    footfall.optOut(false);
    told.push(window.footfall.optout);
    footfall.ignoreMe();
    console.log(JSON.stringify([told, kept, window.footfall.q ?? []]));
  `);
  assert.equal(status, 0, stderr);
  const on = `ff_optout=o;path=/;max-age=${400 * 24 * 60 * 60}`;
  assert.deepEqual(JSON.parse(stdout), [[true, false], [on, "ff_optout=o;path=/;max-age=0", on], []]);
});
