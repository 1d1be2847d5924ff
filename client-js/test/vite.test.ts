import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build, createServer, type InlineConfig, type Logger } from "vite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freshwire, type FreshwireVite, type ReleaseFile } from "../src/vite/index.js";
import { hashes, unhashed } from "../src/vite/output.js";

const PAGE = (script: string) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8" /><title>Tea</title></head>
<body><script type="module" src="${script}"></script></body></html>`;

/** An app of two documents, a chunk that both import, a lazy chunk with a style sheet of its own, and an image. */
const APP: Record<string, string> = {
  "index.html": PAGE("/shop.js"),
  "about/index.html": PAGE("/about/about.js"),
  "shop.js": `import "./shop.css"; import { tin } from "./tin.js"; import leaf from "./leaf.svg?url&no-inline";
    console.log(tin, leaf); document.onclick = () => import("./orders.js");`,
  "about/about.js": `import { tin } from "../tin.js"; console.log("about", tin);`,
  "orders.js": `import "./orders.css"; import { tin } from "./tin.js"; console.log("orders", tin);`,
  "tin.js": `export const tin = "a tin of tea";`,
  "shop.css": "body { color: green }",
  "orders.css": "table { color: teal }",
  "leaf.svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`,
  "public/robots.txt": "User-agent: *",
};

interface Built {
  about: ReleaseFile;
  /** File contents by path. */
  files: Map<string, string>;
  /** What the build said. */
  said: string;
}

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "freshwire-vite-"));
});
afterEach(async () => {
  delete process.env.FRESHWIRE_BUILD;
  await rm(folder, { recursive: true, force: true });
});

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

async function run(
  changes: Record<string, string> = {},
  options: Partial<FreshwireVite> = {},
  config: InlineConfig = {},
): Promise<Built> {
  await write({ ...APP, ...changes });
  let said = "";
  const hear = (message: string) => void (said += `${message}\n`);
  await build({
    root: folder,
    configFile: false,
    logLevel: "warn",
    plugins: [freshwire({ url: "https://fresh.example.com/", app: "shop", ...options })],
    customLogger: {
      info: hear,
      warn: hear,
      warnOnce: hear,
      error: hear,
      clearScreen() {},
    } as unknown as Logger,
    ...config,
    build: {
      rolldownOptions: {
        input: { shop: join(folder, "index.html"), about: join(folder, "about/index.html") },
      },
      ...config.build,
    },
  });
  const out = join(folder, "dist");
  const files = new Map<string, string>();
  for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files.set(file.slice(out.length + 1), await readFile(file, "utf8"));
  }
  const about = JSON.parse(files.get("freshwire.json") ?? "null") as ReleaseFile;
  return { about, files, said };
}

const chunks = ({ files }: Built) => new Map([...files].filter(([path]) => path.startsWith("assets/")));
const pathsUnhashed = (assets: Record<string, string>) =>
  Object.fromEntries(Object.entries(assets).map(([path, hash]) => [unhashed(path), hash]));
const find = ({ files }: Built, start: string, end: string) =>
  `/${[...files.keys()].find((path) => path.startsWith(`assets/${start}-`) && path.endsWith(end))}`;

describe("the document", () => {
  test("carries the build and the script tag, in every HTML file", async () => {
    const { files } = await run({}, { build: "b1", version: "2.4.1" });
    for (const path of ["index.html", "about/index.html"]) {
      expect(files.get(path)).toMatch(/<meta name="freshwire-build" content="b1">/);
      expect(files.get(path)).toMatch(
        /<script src="https:\/\/fresh\.example\.com\/freshwire\.js" data-app="shop" data-version="2\.4\.1" async><\/script>/,
      );
      expect(files.get(path)!.indexOf("freshwire.js")).toBeLessThan(files.get(path)!.indexOf("</head>"));
    }
  });

  test("has no script tag when the app connects itself, and no version where there is none", async () => {
    const own = await run({}, { build: "b1", script: false });
    expect(own.files.get("index.html")).toContain(`content="b1"`);
    expect(own.files.get("index.html")).not.toContain("freshwire.js");
    expect((await run({}, { build: "b1" })).files.get("index.html")).not.toContain("data-version");
  });

  test("is all that a build ID changes: no chunk is renamed, no byte of one differs", async () => {
    const one = await run({}, { build: "b1", version: "1.0.0" });
    const two = await run({}, { build: "b2", version: "1.1.0" });
    expect(chunks(one).size).toBeGreaterThan(5);
    expect([...chunks(two)]).toEqual([...chunks(one)]);
    expect(two.about.assets).toEqual(one.about.assets);
    expect(two.files.get("index.html")).not.toBe(one.files.get("index.html"));
  });

  test("is written as text, whatever is in a build ID", async () => {
    const { files, about } = await run({}, { build: `a"b<$&` });
    expect(files.get("index.html")).toContain(`content="a&#34;b&#60;$&#38;"`);
    expect(about.build).toBe(`a"b<$&`);
  });

  test("with a build of its own is warned of", async () => {
    const head = PAGE("/shop.js").replace("<title>", `<meta name="freshwire-build" content="old" /><title>`);
    expect((await run({ "index.html": head }, { build: "b1" })).said).toContain(
      "has a freshwire-build of its own",
    );
  });

  test("is left alone by a dev server", async () => {
    await write(APP);
    const server = await createServer({
      root: folder,
      configFile: false,
      logLevel: "silent",
      server: { middlewareMode: true, ws: false },
      appType: "custom",
      plugins: [freshwire({ url: "https://fresh.example.com", app: "shop", build: "b1" })],
    });
    try {
      expect(await server.transformIndexHtml("/", PAGE("/shop.js"))).not.toContain("freshwire");
    } finally {
      await server.close();
    }
  });
});

describe("the build", () => {
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=Test", "-c", "user.email=test@example.com", ...args], {
      cwd: folder,
      encoding: "utf8",
    }).trim();

  test("is the option, else FRESHWIRE_BUILD", async () => {
    process.env.FRESHWIRE_BUILD = "from-env";
    expect((await run()).about.build).toBe("from-env");
    expect((await run({}, { build: "from-option" })).about.build).toBe("from-option");
  });

  test("is the commit of a clean work tree, and the output's hash with uncommitted changes", async () => {
    await write({ ...APP, ".gitignore": "dist/\n" });
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "--message", "Tea");
    expect((await run()).about.build).toBe(git("rev-parse", "HEAD").slice(0, 12));
    const dirty = await run({ "tin.js": `export const tin = "two tins";` });
    expect(dirty.about.build).toMatch(/^[0-9a-f]{12}$/);
    expect(git("rev-parse", "HEAD")).not.toContain(dirty.about.build);
  });

  test("is the output's hash without git: the same for the same, another for any change", async () => {
    const one = await run();
    expect(one.files.get("index.html")).toContain(`content="${one.about.build}"`);
    expect(one.files.get("about/index.html")).toContain(`content="${one.about.build}"`);
    const changes: [Record<string, string>, Partial<FreshwireVite>][] = [
      [{ "orders.css": "table { color: navy }" }, {}],
      [{ "public/robots.txt": "User-agent: none" }, {}],
      [{ "index.html": PAGE("/shop.js").replace("Tea", "Coffee") }, {}],
      [{}, { version: "1.0.0" }],
      [{}, { version: "1.1.0" }],
    ];
    const builds = new Set([one.about.build]);
    for (const [files, options] of changes) builds.add((await run(files, options)).about.build);
    expect(builds.size).toBe(6);
    expect((await run()).about.build).toBe(one.about.build);
  });

  test("that the server wouldn't take fails the build", async () => {
    await expect(run({}, { build: "two words" })).rejects.toThrow("can't be a build");
  });
});

describe("freshwire.json", () => {
  test("names every file by its URL path, style sheets apart, and what a page loads first", async () => {
    const built = await run({}, { build: "b1", version: "2.4.1" });
    const { about } = built;
    expect(about).toMatchObject({ build: "b1", version: "2.4.1" });
    expect(Object.keys(about.assets.css)).toEqual(
      [find(built, "orders", ".css"), find(built, "shop", ".css")].sort(),
    );
    const rest = [...built.files.keys()].filter((path) => !/\.css$|^freshwire\.json$/.test(path));
    expect(Object.keys(about.assets.rest).sort()).toEqual(rest.map((path) => `/${path}`).sort());
    expect(Object.keys(about.assets.rest)).toContain("/robots.txt");

    expect([...about.preload].sort()).toEqual(
      [find(built, "shop", ".js"), find(built, "about", ".js"), find(built, "tin", ".js")].sort(),
    );
  });

  test.each(["/", "/teas/", "https://cdn.example.com/teas/", "./", ""])(
    "has paths under base %j",
    async (base) => {
      const { about } = await run({}, { build: "b1" }, { base });
      const start = base == "./" ? "" : base;
      for (const path of [...Object.keys(about.assets.css), ...about.preload]) {
        expect(path.startsWith(`${start}assets/`), path).toBe(true);
      }
    },
  );

  test("shows a change of one style sheet in that style sheet alone, though Vite renames and changes chunks", async () => {
    const before = await run({}, { build: "b1" });
    const after = await run({ "orders.css": "table { color: navy }" }, { build: "b2" });
    // What makes it hard: the script that names the style sheet has another name and other contents.
    expect(find(after, "shop", ".js")).not.toBe(find(before, "shop", ".js"));
    expect(after.about.assets.rest).not.toEqual(before.about.assets.rest);

    expect(pathsUnhashed(after.about.assets.rest)).toEqual(pathsUnhashed(before.about.assets.rest));
    const [was, is] = [before, after].map(({ about }) => pathsUnhashed(about.assets.css));
    expect(is!["/assets/orders.css"]).not.toBe(was!["/assets/orders.css"]);
    expect(is!["/assets/shop.css"]).toBe(was!["/assets/shop.css"]);
  });

  test("shows it where many files are called alike but for their hashes", async () => {
    const alike = {
      "shop.js": `document.onclick = () => import("./a/page.js"); document.onkeyup = () => import("./b/page.js");`,
      "a/page.js": `import "./page.css"; console.log("a");`,
      "b/page.js": `import "./page.css"; console.log("b");`,
      "a/page.css": "a { color: red }",
      "b/page.css": "b { color: blue }",
    };
    const before = await run(alike, { build: "b1" });
    const after = await run({ ...alike, "b/page.css": "b { color: navy }" }, { build: "b2" });
    const contents = ({ about }: Built) =>
      Object.entries(about.assets.rest)
        .map(([path, hash]) => `${unhashed(path)} ${hash}`)
        .sort();
    expect(after.about.assets.rest).not.toEqual(before.about.assets.rest);
    expect(contents(after)).toEqual(contents(before));

    const script = await run(
      { ...alike, "b/page.js": `import "./page.css"; console.log("c");` },
      { build: "b3" },
    );
    expect(contents(script)).not.toEqual(contents(before));
  });

  test.each([
    ["a script", { "tin.js": `export const tin = "two tins";` }],
    ["a lazy script", { "orders.js": `import "./orders.css"; console.log("no orders");` }],
    ["an image", { "leaf.svg": `<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>` }],
    ["a document", { "index.html": PAGE("/shop.js").replace("Tea", "Coffee") }],
    ["a copied file", { "public/robots.txt": "User-agent: none" }],
  ])("shows a change of %s in the rest", async (_, change) => {
    const before = await run({}, { build: "b1" });
    const after = await run(change as Record<string, string>, { build: "b2" });
    expect(pathsUnhashed(after.about.assets.rest)).not.toEqual(pathsUnhashed(before.about.assets.rest));
    expect(pathsUnhashed(after.about.assets.css)).toEqual(pathsUnhashed(before.about.assets.css));
  });

  test("counts a style sheet that keeps its address as the rest: it can't be swapped", async () => {
    const { about } = await run({ "public/theme.css": "body { margin: 0 }" }, { build: "b1" });
    expect(about.assets.rest).toHaveProperty("/theme.css");
    const fixed = { build: { rolldownOptions: { output: { assetFileNames: "[name][extname]" } } } };
    const unnamed = await run(
      {},
      { build: "b1" },
      { ...fixed, build: { ...fixed.build, cssCodeSplit: false } },
    );
    expect(unnamed.about.assets.css).toEqual({});
  });

  test("leaves out maps and Vite's own lists", async () => {
    const { about, files } = await run({}, { build: "b1" }, { build: { sourcemap: true, manifest: true } });
    expect([...files.keys()].filter((path) => path.endsWith(".map")).length).toBeGreaterThan(2);
    expect(Object.keys(about.assets.rest).filter((path) => /\.map$|\.vite/.test(path))).toEqual([]);
  });
});

describe("at the end", () => {
  test("the command that registers the release is printed", async () => {
    const { said } = await run(
      {},
      { build: "b'1", version: "2.4.1" },
      { build: { outDir: join(folder, "dist") } },
    );
    expect(said).toMatch(
      /freshwire release shop --build 'b'\\''1' --version 2\.4\.1 --assets \S*dist\/freshwire\.json\n/,
    );
  });

  test("a build without HTML is told what to put into it", async () => {
    const { said, about } = await run(
      {},
      { build: "b1" },
      { build: { rolldownOptions: { input: join(folder, "shop.js") } } },
    );
    expect(said).toContain(`<meta name="freshwire-build" content="b1">`);
    expect(about.build).toBe("b1");
  });

  test("a build for a server is left alone", async () => {
    const { said, files } = await run({}, { build: "b1" }, { build: { ssr: join(folder, "tin.js") } });
    expect(said).not.toMatch(/freshwire (release|:)|freshwire-build/);
    expect([...files.keys()].filter((path) => path.includes("freshwire"))).toEqual([]);
  });
});

test("an app or a URL that is missing is asked for", () => {
  expect(() => freshwire({ url: "https://fresh.example.com", app: "" })).toThrow("needs `app`");
  expect(() => freshwire({ url: "", app: "shop" })).toThrow("needs `url`");
  expect(() => freshwire({ url: "", app: "shop", script: false })).not.toThrow();
});

test("hashes in file names are what follows the last dash or dot with eight or more behind it", () => {
  expect(unhashed("/assets/index-BxY12_-4.js")).toBe("/assets/index.js");
  expect(unhashed("/assets/user-settings-page--xY1234-.css")).toBe("/assets/user-settings-page.css");
  expect(unhashed("/assets/app.0123456789abcdef.css")).toBe("/assets/app.css");
  expect(unhashed("/assets/index-BxY12345.js.map")).toBe("/assets/index.js.map");
  expect(unhashed("/my-library-1.2/app.js")).toBe("/my-library-1.2/app.js");
  expect(unhashed("/app.js")).toBe("/app.js");
});

test("a file that names others is told by what is in it, bytes included", () => {
  const url = (path: string) => path;
  const files = (css: string, byte: number) => [
    { path: `a-${css}.css`, content: "a{}" },
    { path: "main-mmmmmmmm.js", content: `load("./a-${css}.css?x")` },
    { path: "data-dddddddd.bin", content: Uint8Array.of(0xff, byte, 0x80) },
  ];
  const one = hashes(files("aaaaaaaa", 1), url);
  expect(hashes(files("bbbbbbbb", 1), url).rest).toEqual(one.rest);
  expect(hashes(files("aaaaaaaa", 2), url).rest).not.toEqual(one.rest);
});

test("which of two files that are called alike is named makes a difference", () => {
  const pages = [
    { path: "page-aaaaaaaa.js", content: "one" },
    { path: "page-bbbbbbbb.js", content: "two" },
  ];
  const rest = (first: string, second: string) => {
    const main = { path: "main.js", content: `load("./page-${first}.js","./page-${second}.js")` };
    return hashes([main, ...pages], (path) => path).rest;
  };
  expect(rest("bbbbbbbb", "aaaaaaaa")["main.js"]).not.toBe(rest("aaaaaaaa", "bbbbbbbb")["main.js"]);
});
