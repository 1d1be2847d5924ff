// Builds what npm carries: one module per subpath, what they share in chunks, and their types.

import { execFileSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "dist/npm");

/** Writes dist/npm anew. `define` is what the core's constants are, the rest how the parts call each other. */
export async function buildNpm({ define, mangleProps, mangleCache }) {
  await rm(out, { recursive: true, force: true });
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
    target: ["chrome100", "firefox102", "safari15.4", "node20"],
    define,
    mangleProps,
    mangleCache,
    logLevel: "warning",
  });
  const tsc = join(here, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.types.json"], { cwd: here, stdio: "inherit" });
}
