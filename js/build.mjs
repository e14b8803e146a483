/**
 * Builds `dist/`: `default.js`, the parts that can be composed with it, and `manifest.json`. The same sources give the
 * same bytes. Fails when a file is over its budget (package.json, bytes of brotli).
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

/** What the server replaces by the site's configuration, a JSON object, and by the parts after it. */
const TOKEN = '"__FOOTFALL_CONFIG__"';
/** Syntax of the browsers of 2020 (Chrome 85, Firefox 79, Safari 14). */
const TARGET = "es2021";
const ROOT = new URL("./", import.meta.url);
const PACKAGE = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")).footfall;

/** A site's configuration where it sets nothing of its own, for the sizes of what browsers are served. */
const EXAMPLE = {
  url: "https://stats.shop.example/e",
  site: "4f8a2c7e91d04b3f",
  build: "64a3ea69",
  ...PACKAGE.defaults,
};

/** The sources from one entry file as one piece of code, without what only types need. */
async function bundle(contents, whole = true) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL("src/", ROOT).pathname, loader: "ts" },
    bundle: true,
    format: "esm",
    target: TARGET,
    define: { __WHOLE__: String(whole) },
    minifySyntax: true,
    write: false,
  });
  return outputFiles[0].text;
}

/** What whole snippet and parts say to each other; short here, and in every file the same. */
const INTERNAL =
  "again answered chosen commands consented describe emit extra flush fresh guard innermost leaving linkEvent listen outgoing playing waiting watch";
const SHORT = Object.fromEntries(
  INTERNAL.split(" ").map((name, place) => [`$${name}`, String.fromCharCode(97 + place)]),
);

/** In this order letters become names: so what repeats packs best, which was found by trying. */
const LETTERS = "ftedcavsihnlpokymuwgqbrzjx";

/** The name with this number: a letter, or some that no other file can have given to anything else. */
const nameOf = (number) => LETTERS[number] ?? `${LETTERS[number % 26]}${Math.floor(number / 26)}`;

/** The same for whole snippet, parts and tools. Made anew each time: the minifier writes into it. */
const minifying = () => ({
  ecma: 2020,
  compress: { passes: 5, unsafe_arrows: true, unsafe_methods: true, keep_fargs: false },
  mangle: {
    // The core has the same name in every part: what repeats is small.
    reserved: ["$"],
    nth_identifier: { get: nameOf },
    properties: { regex: RegExp(`^(${INTERNAL.replaceAll(" ", "|")})$`), builtins: true },
  },
  nameCache: { props: { props: { ...SHORT } } },
  format: { ascii_only: true },
});

/** An expression, minified. `let` repeats better than a mix with `const`, which nothing here depends on. */
async function shrink(expression) {
  const { code } = await minify(`const _=${expression}`, minifying());
  return code
    .slice("const _=".length)
    .replace(/;$/, "")
    .replace(/\bconst\b/g, "let");
}

/**
 * Says that functions may be compiled as they arrive, in the background, and not one by one on the page's own thread when
 * they are called: in Chromium a third of what the whole snippet cost a page before its load. The default one has too few.
 */
const HINT = "//# allFunctionsCalledOnLoad\n";

/** A template. The semicolons let it stand before and after scripts that lack theirs. */
async function snippet(whole) {
  const body = await bundle('import "./index";', whole);
  return `${whole ? HINT : ""};(${await shrink(`(__FOOTFALL__${whole ? ",...__FOOTFALL_PARTS__" : ""})=>{${body}}`)})(${TOKEN});\n`;
}

/** What stands before the snippet of a site that asks for choices: the token in it is replaced as in a template. */
async function asking() {
  const body = await bundle('import { asking } from "./choices/asking"; asking(__FOOTFALL__);');
  return `${HINT};(${await shrink(`__FOOTFALL__=>{${body}}`)})(${TOKEN});\n`;
}

/** A part: an expression, a function that takes the core. */
async function part(name, folder = "parts") {
  const body = await bundle(`import { ${name} } from "./${folder}/${name}"; globalThis.part = ${name};`);
  return shrink(`(()=>{${body.replace("globalThis.part =", "return").replace(/\bcore\b/g, "$")}})()`);
}

/** A file of its own, loaded only when it is asked for. */
async function tool(name, format, folder = "tools") {
  const entry = new URL(`src/${folder}/${name}.ts`, ROOT).pathname;
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format, target: TARGET, write: false });
  const { code } = await minify(outputFiles[0].text, { ...minifying(), module: format === "esm" });
  return `${code}\n`;
}

function sizes(text) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT };
  return {
    raw: Buffer.byteLength(text),
    gzip: gzipSync(text, { level: 9 }).length,
    brotli: brotliCompressSync(text, { params }).length,
  };
}

/** As the server does it: the configuration, then the parts, in place of the token. */
function compose(template, config, parts) {
  return template.replace(TOKEN, () => [JSON.stringify(config), ...parts].join(","));
}

const template = await snippet(false);
const whole = await snippet(true);
const names = readdirSync(new URL("src/parts/", ROOT))
  .map((file) => file.replace(/\.ts$/, ""))
  .sort();
if (String([...PACKAGE.order].sort()) !== String(names)) throw Error("`order` in package.json must name every part.");
const parts = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await part(name)])));
const files = { "default.js": template, "whole.js": whole };
for (const name of names) files[`part.${name}.js`] = parts[name];
files["part.debug.js"] = await part("debug", "tools");
files["tool.asking.js"] = await asking();
files["tool.choices.js"] = await tool("choices", "esm", "choices");
files["tool.show.js"] = await tool("show", "esm");
files["tool.stub.js"] = await tool("stub", "iife");

/** In the order of package.json, as the server does it: what others need is before them, and likes pack best together. */
function composed(wanted) {
  const ordered = PACKAGE.order.filter((name) => wanted.includes(name));
  return compose(
    whole,
    EXAMPLE,
    ordered.map((name) => parts[name]),
  );
}

/** What a site's setting turns on by name; plug-ins have a setting of their own. */
const modules = names.filter((name) => !["managers", "plugins", "region"].includes(name));

const measured = {
  default: template,
  served: compose(template, EXAMPLE, []),
  "all without vitals": composed(modules.filter((name) => name !== "vitals")),
  all: composed(modules),
  choices: `${files["tool.asking.js"]}${files["tool.choices.js"]}`,
};
const manifest = {
  build: createHash("sha256").update(Object.values(files).join("\0")).digest("hex").slice(0, 8),
  token: TOKEN,
  defaults: PACKAGE.defaults,
  needs: PACKAGE.needs,
  order: PACKAGE.order,
  files: Object.fromEntries(Object.entries(files).map(([file, text]) => [file, sizes(text)])),
  composed: Object.fromEntries(Object.entries(measured).map(([name, text]) => [name, sizes(text)])),
};

const dist = new URL("dist/", ROOT);
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const [file, text] of Object.entries(files)) writeFileSync(new URL(file, dist), text);
writeFileSync(new URL("manifest.json", dist), `${JSON.stringify(manifest, null, 2)}\n`);

/** The README's table of sizes: `--sizes=write` renews it, `--sizes=check` fails where it is outdated. */
function tell(wanted) {
  const readme = new URL("README.md", ROOT);
  const rows = Object.entries({ ...manifest.files, ...manifest.composed }).filter(([name]) => name !== "default");
  const lines = rows.map(([name, { raw, gzip, brotli }]) => {
    const budget = PACKAGE.budget[name.replace(".js", "")];
    return `| \`${name}\` | ${raw} | ${gzip} | ${brotli} | ${budget ?? ""} |`;
  });
  const table = ["| | raw | gzip | brotli | budget (brotli) |", "| --- | --- | --- | --- | --- |", ...lines].join("\n");
  const text = readFileSync(readme, "utf8");
  const told = text.replace(
    /(<!-- sizes -->\n).*(<!-- \/sizes -->)/s,
    (_, before, after) => `${before}${table}\n${after}`,
  );
  if (wanted === "--sizes=write") writeFileSync(readme, told);
  if (wanted === "--sizes=check" && told !== text) {
    console.error("The sizes in README.md are outdated; run `npm run sizes`.");
    process.exitCode = 1;
  }
}

console.log(`build ${manifest.build}`);
console.table({ ...manifest.files, ...manifest.composed });
for (const [name, budget] of Object.entries(PACKAGE.budget)) {
  const { brotli } = manifest.composed[name];
  if (brotli > budget) {
    console.error(`${name}: ${brotli} bytes of brotli are over the budget of ${budget} (package.json).`);
    process.exitCode = 1;
  }
}
tell(process.argv[2]);
