// Bundles each editor into a script of its own; what two of them share is a chunk.

import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = join(dirname(fileURLToPath(import.meta.url)), "src");

export async function buildEditors() {
  const pages = await readdir(join(source, "pages"));
  const { outputFiles } = await build({
    absWorkingDir: source,
    entryPoints: {
      ...Object.fromEntries(pages.map((page) => [page.replace(/\.\w+$/, ""), `./pages/${page}`])),
      "monaco-worker": "monaco-editor/editor/editor.worker",
    },
    outdir: join(source, "editors"),
    chunkNames: "chunk-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    minify: true,
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    loader: { ".ttf": "dataurl" },
    write: false,
    logLevel: "error",
  });
  return Object.fromEntries(
    outputFiles.map(({ path, contents }) => [`/editors/${basename(path)}`, Buffer.from(contents)]),
  );
}
