/** Bundles the tests (Node reads no TypeScript) and runs them with Node's own runner. */
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const here = new URL("./", import.meta.url).pathname;
const outdir = new URL("../.test/", import.meta.url).pathname;
const tests = readdirSync(here).filter((file) => file.endsWith(".test.ts"));
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: tests.map((file) => here + file),
  bundle: true,
  platform: "node",
  format: "esm",
  define: { __WHOLE__: "true" },
  outExtension: { ".js": ".mjs" },
  outdir,
});
const built = tests.map((file) => outdir + file.replace(/\.ts$/, ".mjs"));
const { status } = spawnSync(process.execPath, ["--test", ...built], { stdio: "inherit" });
process.exitCode = status ?? 1;
