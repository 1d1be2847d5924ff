// Builds what npm carries: a module for each subpath, what they share in chunks, and their types. Twice: as ES modules,
// and as CommonJS for tools that know nothing else; and folders for those that don't read `exports`.

import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "dist/npm");
const common = join(here, "dist/cjs");

/** What webpack 4 can parse. The import of a part, which is newer, it knows all the same. */
const SYNTAX = { target: "es2019", supported: { "dynamic-import": true } };

/** Writes dist/npm and dist/cjs anew. `define` is what the core's constants are, the rest how the parts call each other. */
export async function buildNpm({ define, mangleProps, mangleCache }) {
  await Promise.all([out, common].map((folder) => rm(folder, { recursive: true, force: true })));
  await build({
    absWorkingDir: here,
    entryPoints: [
      "src/index.ts",
      "src/prompt-entry.ts",
      "src/react/index.ts",
      "src/store.ts",
      "src/vite/index.ts",
    ],
    outbase: "src",
    outdir: out,
    bundle: true,
    splitting: true,
    chunkNames: "shared/[hash]",
    format: "esm",
    // Node's own modules are the plugin's alone; nothing else has a dependency.
    external: ["react", "vite", "node:*"],
    charset: "ascii",
    legalComments: "none",
    ...SYNTAX,
    define,
    mangleProps,
    mangleCache,
    logLevel: "warning",
  });
  // File by file, so that what is shared is one file here, too.
  for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath ?? entry.path, entry.name);
    const { code } = await transform(await readFile(file, "utf8"), {
      format: "cjs",
      // So that Node finds the names that a file exports.
      platform: "node",
      ...SYNTAX,
    });
    const to = join(common, file.slice(out.length));
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, code);
  }
  const tsc = join(here, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.types.json"], { cwd: here, stdio: "inherit" });
  await cp(out, common, {
    recursive: true,
    filter: (file) => !file.endsWith(".js"),
  });
  await writeFile(join(common, "package.json"), json({ type: "commonjs", sideEffects: false }));
  await writeFolders();
}

const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

/** `freshwire/react` is a folder, for tools that don't read `exports`. */
async function writeFolders() {
  const { exports } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
  for (const [path, { import: esm, require: cjs }] of Object.entries(exports)) {
    if (path == "." || !cjs) continue;
    const folder = join(here, path);
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, "package.json"),
      json({
        main: `.${cjs.default}`,
        module: `.${esm.default}`,
        types: `.${cjs.types}`,
        sideEffects: false,
      }),
    );
  }
}
