// Builds what the server embeds (dist/served) and what npm carries (dist/npm). The same sources give the same bytes.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const served = join(here, "dist/served");
const { version } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
const JAVASCRIPT = "text/javascript; charset=utf-8";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Bundles one entry point and gives back its bytes. */
async function bundle(entry, options = {}) {
  const { outputFiles } = await build({
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
    ...options,
  });
  return Buffer.from(outputFiles[0].contents);
}

async function put(path, bytes) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

await rm(join(here, "dist"), { recursive: true, force: true });

const part = await bundle("act/index");
const hash = sha256(part).slice(0, 16);
const define = { __CLIENT__: JSON.stringify(`freshwire/${version}`), __PART__: JSON.stringify(hash) };

// Parts of published releases first: pages that loaded an older core still ask for them.
const published = join(here, "published");
for (const { name } of (await readdir(published, { withFileTypes: true })).filter((e) => e.isDirectory()))
  await cp(join(published, name), join(served, "v1/client", name), { recursive: true });

await put(join(served, "v1/client", hash, "act.mjs"), part);
await put(join(served, "freshwire.js"), await bundle("classic", { define, format: "iife" }));
await put(join(served, "freshwire.mjs"), await bundle("module", { define }));
await put(
  join(here, "dist/npm/index.js"),
  await bundle("index", { define, minify: false, charset: "ascii" }),
);

const tsc = join(here, "node_modules/typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "-p", "tsconfig.types.json"], { cwd: here, stdio: "inherit" });

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
