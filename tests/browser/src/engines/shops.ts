/** The same shop twice, in releases: a real Vite and React app, and a page without any tools. */

import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildRelease } from "../../../apps/react/build.mjs";
import type { Build } from "../freshwire.js";
import { APP, FRESHWIRE, type Release } from "./origin.js";

/** What may differ between two releases. */
export interface Variant {
  /** In the style sheet alone. */
  accent?: string;
  /** In the script alone. */
  label?: string;
}

export interface Shop {
  name: string;
  /** Built once, however often it is asked for. */
  release(build: Build, variant?: Variant): Promise<Release>;
}

const once = (make: (build: Build, variant: Variant) => Promise<Release>): Shop["release"] => {
  const made = new Map<string, Promise<Release>>();
  return (build, variant = {}) => {
    const key = JSON.stringify([build, variant]);
    const release = made.get(key) ?? make(build, variant);
    made.set(key, release);
    return release;
  };
};

export const reactShop: Shop = {
  name: "a Vite and React app",
  release: once(async ({ build, version }, variant) => {
    const out = await mkdtemp(join(tmpdir(), "freshwire-shop-"));
    try {
      const { release } = await buildRelease({ out, build, version, app: APP, url: FRESHWIRE, ...variant });
      const names = await readdir(join(out, "assets"));
      const files = await Promise.all(
        names.map(async (name) => [`/assets/${name}`, await readFile(join(out, "assets", name))] as const),
      );
      return {
        build,
        version,
        document: await readFile(join(out, "index.html"), "utf8"),
        files: Object.fromEntries(files),
        assets: { ...release.assets.css, ...release.assets.rest },
        preload: release.preload,
      };
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  }),
};

const STYLE = (accent: string) => `body{font:16px/1.5 system-ui;margin:0}
header{display:flex;justify-content:space-between;padding:18px 32px}
header strong{color:${accent}}
textarea{display:block;width:20em}`;

const SCRIPT = (label: string) => `const one = (selector) => document.querySelector(selector);
one("#label").textContent = ${JSON.stringify(label)};
one("#count").onclick = () => (one("#tins").textContent = Number(one("#tins").textContent) + 1);
const show = async () => {
  one("main").hidden = location.pathname == "/orders";
  if (location.pathname == "/orders") (await import(document.documentElement.dataset.orders)).show();
};
for (const link of document.querySelectorAll("nav a")) {
  link.onclick = (event) => {
    event.preventDefault();
    history.pushState(null, "", link.href);
    show();
  };
}
show();
(window.freshwire ||= []).push((fresh) => {
  const told = ({ connection, standing }) => Object.assign(one("footer").dataset, { connection, standing });
  fresh.on("status", told);
  told(fresh.status);
  fresh.keep("draft", () => one("#note").value, (draft) => (one("#note").value = draft), { version: 1 });
  fresh.keep("tins", () => one("#tins").textContent, (tins) => (one("#tins").textContent = tins));
});`;

const ORDERS = `export const show = () => {
  const heading = document.body.appendChild(document.createElement("h1"));
  heading.textContent = "Your orders";
};`;

const hash = (content: string) => createHash("sha256").update(content).digest("hex").slice(0, 10);

export const plainShop: Shop = {
  name: "a plain page",
  release: once(async ({ build, version }, { accent = "#2f6b52", label = "Spring" }) => {
    const [style, script, orders] = [STYLE(accent), SCRIPT(label), `${ORDERS}\n// ${label}`];
    const name = (stem: string, content: string, extension: string) =>
      `/assets/${stem}-${hash(content)}.${extension}`;
    const paths = [name("style", style, "css"), name("app", script, "js"), name("orders", orders, "js")];
    const [css, app, lazy] = paths as [string, string, string];
    const document = `<!doctype html>
<html lang="en" data-orders="${lazy}">
<head>
<meta charset="utf-8" />
<title>Harbour Tea</title>
<link rel="icon" href="data:," />
<link rel="stylesheet" href="${css}" />
<meta name="freshwire-build" content="${build}" />
<script src="${FRESHWIRE}/freshwire.js" data-app="${APP}" data-version="${version}" async></script>
<script type="module" src="${app}"></script>
</head>
<body>
<header><strong>Harbour Tea</strong><nav><a href="/">Shop</a> <a href="/orders">Orders</a></nav></header>
<main>
<textarea id="note"></textarea>
<button id="count" type="button">Add a tin</button> <output id="tins">3</output> tins
</main>
<footer data-build="${build}"><span id="label"></span></footer>
</body>
</html>`;
    const files = { [css]: style, [app]: script, [lazy]: orders };
    const assets = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, hash(text)]));
    return { build, version, document, files, assets, preload: [app] };
  }),
};
