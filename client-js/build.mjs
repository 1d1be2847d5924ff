// Builds what the server embeds (dist/served) and what npm carries (dist/npm). The same sources give the same bytes.

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";
import { buildNpm } from "./npm.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const served = join(here, "dist/served");
const { version } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
const JAVASCRIPT = "text/javascript; charset=utf-8";

/** Names that only Freshwire's own parts call each other by, and nothing else on the web: shortened everywhere alike. */
const OURS = [
  ...["around", "embedded", "failures", "hear", "keeps", "memory", "refreshing", "signs"],
  ...["failure", "prepare", "sayAgain", "automatic", "looked", "signed", "unmarked"],
  ...["dismissed", "lastReport", "pressedUntil", "wished", "letGo", "leads"],
  ...["endsAt", "owed", "tickedAt", "holdMs", "leftMs", "lengthMs", "mayExtend", "pressed"],
  ...[
    "countdown",
    "moreTime",
    "polling",
    "interrupted",
    "missed",
    "othersHold",
    "begun",
    "shown",
    "sign",
    "snoozed",
    "swapping",
  ],
  ...[
    "quiet",
    "anyway",
    "toward",

    "actedAt",
    "erased",
    "mayReload",
    "mayFollowRedirect",
    "followRedirect",
    "inHand",
    "destination",
  ],
];
const mangleProps = new RegExp(`^(${OURS.join("|")})$`);
let mangleCache = {};

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Bundles one entry point and gives back its bytes. */
async function bundle(entry, options = {}) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [`src/${entry}.ts`],
    bundle: true,
    write: false,
    minify: true,
    charset: "utf8",
    legalComments: "none",
    format: "esm",
    target: ["chrome100", "firefox102", "safari15.4"],
    logLevel: "warning",
    mangleProps,
    mangleCache,
    ...options,
  });
  mangleCache = result.mangleCache;
  // Some 4 % smaller than by esbuild alone.
  const { code } = await minify(result.outputFiles[0].text, {
    module: options.format != "iife",
    ecma: 2020,
    compress: { passes: 3, pure_getters: true, keep_fargs: false, unsafe_arrows: true },
    format: { ascii_only: false },
  });
  return Buffer.from(code.replace(/^"use strict";/, ""));
}

async function put(path, bytes) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

await rm(join(here, "dist"), { recursive: true, force: true });

// One hash over all parts: each finds the others beside it.
const locales = (await readdir(join(here, "src/prompt/locale"))).sort().map((file) => basename(file, ".ts"));
const entries = [
  ["act.mjs", "act/index"],
  ["go.mjs", "go/index"],
  ["busy.mjs", "act/busy"],
  ["poll.mjs", "act/poll"],
  ["worker.mjs", "go/worker"],
  ["prompt.mjs", "prompt/index"],
  ["preview.mjs", "prompt/preview"],
  ...locales.map((tag) => [`locale/${tag}.mjs`, `prompt/locale/${tag}`]),
];
const parts = [];
for (const [name, entry] of entries) parts.push([name, await bundle(entry)]);
const hash = sha256(parts.map(([name, bytes]) => `${name} ${sha256(bytes)}`).join("\n")).slice(0, 16);
const define = { __CLIENT__: JSON.stringify(`freshwire/${version}`), __PART__: JSON.stringify(hash) };

// Parts of published releases first: pages that loaded an older core still ask for them.
const published = join(here, "published");
for (const { name } of (await readdir(published, { withFileTypes: true })).filter((e) => e.isDirectory()))
  await cp(join(published, name), join(served, "v1/client", name), { recursive: true });

for (const [name, bytes] of parts) await put(join(served, "v1/client", hash, name), bytes);
await put(join(served, "freshwire.js"), await bundle("classic", { define, format: "iife" }));
await put(join(served, "freshwire.mjs"), await bundle("module", { define }));
await buildNpm({ define, mangleProps, mangleCache });

const files = [];
for (const entry of await readdir(served, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = join(entry.parentPath ?? entry.path, entry.name);
  const bytes = await readFile(file);
  const path = file.slice(served.length).replaceAll("\\", "/");
  files.push({ path, type: JAVASCRIPT, immutable: path.startsWith("/v1/client/"), sha256: sha256(bytes) });
  await writeFile(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  await writeFile(
    `${file}.br`,
    brotliCompressSync(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  );
}
files.sort((a, b) => (a.path < b.path ? -1 : 1));
await put(join(served, "manifest.json"), `${JSON.stringify({ files }, null, 2)}\n`);
