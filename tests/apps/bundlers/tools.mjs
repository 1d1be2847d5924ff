// The real tools, each as it comes: `node tools.mjs TOOL FOLDER` makes a page of the app in FOLDER, in FOLDER/out.

import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** In place of the app's own script; `type` is that of a module, where the bundle is one. */
async function page(folder, type = "") {
  const html = await readFile(join(folder, "index.html"), "utf8");
  const tag = `<script ${type} src="/app.js"></script>`;
  await writeFile(join(folder, "out/index.html"), html.replace(/<script.*<\/script>/, tag));
}

const MODULE = 'type="module"';

/** For what has webpack's way of being called. A warning is as bad as an error. */
const packed = (tool, folder) =>
  new Promise((done, failed) => {
    const output = { path: join(folder, "out"), filename: "app.js" };
    tool({ mode: "production", context: folder, entry: "./app.js", output }, (error, stats) => {
      const { errors, warnings } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
      const found = [error, ...(errors ?? []), ...(warnings ?? [])].filter(Boolean);
      if (found.length) failed(new Error(found.map((one) => one.message ?? one).join("\n")));
      else done(page(folder));
    });
  });

/** What Rollup and esbuild leave to their users. */
const PRODUCTION = { "process.env.NODE_ENV": '"production"' };

const tools = {
  async "Parcel 2"(folder) {
    const parcel = require.resolve("parcel/lib/bin.js");
    const args = ["build", "index.html", "--dist-dir", "out", "--no-cache", "--no-source-maps"];
    execFileSync(process.execPath, [parcel, ...args], { cwd: folder, encoding: "utf8" });
  },

  "webpack 4": (folder) => packed(require("webpack4"), folder),
  "webpack 5": (folder) => packed(require("webpack5"), folder),
  Rspack: async (folder) => packed((await import("@rspack/core")).rspack, folder),

  async esbuild(folder) {
    const { build } = await import("esbuild");
    await build({
      absWorkingDir: folder,
      entryPoints: ["app.js"],
      outfile: "out/app.js",
      bundle: true,
      minify: true,
      define: PRODUCTION,
      logLevel: "error",
    });
    await page(folder);
  },

  async Rollup(folder) {
    const { rollup } = await import("rollup");
    const { nodeResolve } = await import("@rollup/plugin-node-resolve");
    const { default: commonjs } = await import("@rollup/plugin-commonjs");
    const production = {
      name: "production",
      transform: (code) => code.replaceAll("process.env.NODE_ENV", PRODUCTION["process.env.NODE_ENV"]),
    };
    const bundle = await rollup({
      input: join(folder, "app.js"),
      plugins: [nodeResolve({ browser: true }), commonjs(), production],
      onwarn({ message }) {
        throw new Error(message);
      },
    });
    await bundle.write({ file: join(folder, "out/app.js"), format: "es" });
    await bundle.close();
    await page(folder, MODULE);
  },

  async Vite(folder) {
    const { build } = await import("vite");
    await build({ root: folder, configFile: false, logLevel: "warn", build: { outDir: "out" } });
  },

  /** Its tests are run, not bundled. */
  async "Jest 29"(folder) {
    const jest = join(dirname(require.resolve("jest/package.json")), "bin/jest.js");
    const args = ["--ci", "--runInBand", "--rootDir", folder, "--cacheDirectory", join(folder, ".jest")];
    execFileSync(process.execPath, [jest, ...args], { cwd: folder, encoding: "utf8" });
  },
};

const RESOLUTIONS = {
  node: { module: "commonjs", moduleResolution: "node10" },
  node16: { module: "node16", moduleResolution: "node16" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/** As CommonJS and as a module where that is two things: in node16. */
for (const [name, { module, moduleResolution }] of Object.entries(RESOLUTIONS)) {
  tools[`TypeScript's ${name}`] = async (folder) => {
    const files = name == "node16" ? ["types.mts", "types.cts"] : ["types.ts"];
    const text = await readFile(join(folder, "types.ts"), "utf8");
    for (const file of files) await writeFile(join(folder, file), text);
    // The types of Vite itself can't be had in every way.
    const more = { target: "es2022", strict: true, noEmit: true, skipLibCheck: true, types: [] };
    const compilerOptions = { module, moduleResolution, ...more };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const tsc = require.resolve("typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", "."], { cwd: folder, encoding: "utf8" });
  };
}

const [, , tool, folder] = process.argv;
try {
  await tools[tool](folder);
} catch (error) {
  console.error(error.stdout || error.stderr ? `${error.stdout}${error.stderr}` : error);
  process.exit(1);
}
