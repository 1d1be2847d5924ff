/** The package as npm would install it. `npm run build` has made what is packed. */

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const client = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(client, "node_modules");
let app = "";

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), "freshwire-app-"));
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", app], {
    cwd: client,
  });
  const [packed] = Object.values(JSON.parse(stdout)) as { filename: string; files: { path: string }[] }[];
  for (const { path } of packed!.files) {
    const to = join(app, "node_modules/freshwire", path);
    await mkdir(dirname(to), { recursive: true });
    await cp(join(client, path), to);
  }
  await mkdir(join(app, "node_modules/@types"));
  for (const name of ["react", "react-dom", "vite", "@types/react", "@types/node"]) {
    await symlink(join(modules, name), join(app, "node_modules", name));
  }
  await writeFile(join(app, "package.json"), `{"type":"module"}`);
});

afterAll(() => rm(app, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFile(join(app, name), text);
const node = async (text: string) => {
  await write("run.js", text);
  return (await run(process.execPath, ["run.js"], { cwd: app })).stdout.trim();
};
const bundle = async (text: string) => {
  const { outputFiles } = await build({
    stdin: { contents: text, resolveDir: app },
    bundle: true,
    write: false,
    format: "esm",
    minify: true,
    external: ["react"],
  });
  return outputFiles[0]!.text;
};

describe("the package", () => {
  test("can be imported where there is no window, by every one of its paths", async () => {
    const paths = ["freshwire", "freshwire/prompt", "freshwire/react", "freshwire/store", "freshwire/vite"];
    const said = await node(`
      if (typeof window != "undefined" || typeof document != "undefined") throw new Error("a window");
      for (const path of ${JSON.stringify(paths)}) console.log(path, Object.keys(await import(path)).sort().join());
    `);
    expect(said.split("\n")).toEqual([
      "freshwire connect,get",
      "freshwire/prompt makePrompt,prompt",
      "freshwire/react useFreshwire,useHold,useKeep",
      "freshwire/store isUpdated,stores",
      "freshwire/vite default,freshwire",
    ]);
    const { exports } = JSON.parse(await readFile(join(client, "package.json"), "utf8")) as {
      exports: object;
    };
    expect(Object.keys(exports).filter((path) => path != "./package.json")).toHaveLength(paths.length);
  });

  test("can be required by every one of its paths, and what is shared is one module", async () => {
    await write(
      "run.cjs",
      `
      for (const path of ["", "/prompt", "/react", "/store", "/vite"])
        console.log(path, Object.keys(require("freshwire" + path)).sort().join());
      const shared = Object.keys(require.cache).filter((file) => /cjs.shared/.test(file));
      console.log(shared.filter((file) => /function loadPart|loadPart =/.test(require("fs").readFileSync(file))).length);
      `,
    );
    const { stdout } = await run(process.execPath, ["run.cjs"], { cwd: app });
    expect(stdout.trim().split("\n")).toEqual([
      "connect,get",
      "/prompt makePrompt,prompt",
      "/react useFreshwire,useHold,useKeep",
      "/store isUpdated,stores",
      "/vite default,freshwire",
      "1",
    ]);
  });

  test("has what `exports` says where tools look that don't read it", async () => {
    type Ways = Record<"import" | "require", { types: string; default: string }>;
    const about = async (folder: string) =>
      JSON.parse(await readFile(join(app, "node_modules/freshwire", folder, "package.json"), "utf8"));
    const { exports, ...root } = await about(".");
    for (const [path, ways] of Object.entries(exports as Record<string, Ways>)) {
      if (path == "./package.json") continue;
      const { main, module, types } = path == "." ? root : await about(path);
      const at = (file: string) => join("/", path, file);
      expect([main, module, types].map(at), path).toEqual(
        [ways.require.default, ways.import.default, ways.require.types].map((file) => join("/", file)),
      );
    }
  });

  test("renders on a server", async () => {
    const said = await node(`
      import { createElement } from "react";
      import { renderToString } from "react-dom/server";
      import { useFreshwire } from "freshwire/react";
      const App = () => createElement("p", null, useFreshwire({ app: "web", url: "https://fresh.example.com" }).status.standing);
      console.log(renderToString(createElement(App)));
    `);
    expect(said).toBe("<p>unknown</p>");
  });

  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])(
    "is typed, for module %s resolved as %s",
    async (module, moduleResolution) => {
      await write(
        "app.ts",
        `
      import { connect, get, type Freshwire, type Options, type Status } from "freshwire";
      import { makePrompt, prompt, type View } from "freshwire/prompt";
      import { useFreshwire, useHold, useKeep } from "freshwire/react";
      import { stores, type Readable } from "freshwire/store";
      import vite, { freshwire, type ReleaseFile } from "freshwire/vite";
      import { defineConfig } from "vite";

      const options: Options = { app: "web", url: "https://fresh.example.com", prompt };
      const fresh: Freshwire = connect({ ...options, prompt: (view: View | null) => makePrompt()(view) });
      const updated: Readable<boolean> = stores(fresh).updated;
      export const standing: Status["standing"] | undefined = get("web")?.status.standing;
      export function App(): boolean {
        const { fresh, updated, status } = useFreshwire(options);
        useHold(fresh, "a draft", status.standing == "stale");
        useKeep(fresh, "note", 1, (note: number) => void note, { version: 2 });
        // @ts-expect-error: what is kept is what is restored
        useKeep(fresh, "note", 1, (note: string) => void note);
        return updated;
      }
      // @ts-expect-error: an app is needed
      connect({ url: "" });
      export default defineConfig({ plugins: [freshwire({ url: "", app: "web" }), vite({ url: "", app: "web", build: "b" })] });
      export const css = (file: ReleaseFile): string[] => Object.keys(file.assets.css);
      export const value: boolean = updated.value;
      `,
      );
      const settings = {
        module,
        moduleResolution,
        target: "es2022",
        strict: true,
        noEmit: true,
        skipLibCheck: true,
      };
      await write(
        "tsconfig.json",
        JSON.stringify({ compilerOptions: { ...settings, types: ["node"] }, files: ["app.ts"] }),
      );
      const tsc = join(modules, "typescript/bin/tsc");
      const { stdout } = await run(process.execPath, [tsc, "-p", "."], { cwd: app }).catch((error) => error);
      expect(stdout).toBe("");
    },
    120_000,
  );

  test("leaves nothing in an app's bundle that the app doesn't use", async () => {
    const nothing = await bundle(`
      import { connect } from "freshwire";
      import { prompt } from "freshwire/prompt";
      import { useFreshwire } from "freshwire/react";
      import { stores } from "freshwire/store";
    `);
    expect(nothing.trim()).toBe("");
    const core = await bundle(`import { connect } from "freshwire"; connect({ app: "web", url: "/" });`);
    expect(core).toContain("freshwire.v1");
    expect(core).not.toMatch(/attachShadow|useSyncExternalStore|"node:/);
  });
});
