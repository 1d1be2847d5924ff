/** The package as npm packs it, in the hands of the tools that apps are made with, old ones too. */

import { expect, test } from "vitest";
import { runTool, unpackPackage } from "../../apps/bundlers/index.mjs";
import { behaviour, runs } from "../src/engines/behaviour.js";
import { APP, Origin, type Release } from "../src/engines/origin.js";
import { PRIMARY, cardSays } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import { remove, temporary } from "../src/temporary.js";

/** What a tool makes of the app; complaints of its own are failures. */
async function made(tool: string): Promise<Record<string, string>> {
  const folder = await temporary("tool");
  try {
    await unpackPackage(folder);
    return await runTool(tool, folder, A.build);
  } finally {
    await remove(folder);
  }
}

// In a page, since only that shows whether the import of the parts, from another origin, is still the browser's own.
for (const bundler of ["Parcel 2", "webpack 4", "webpack 5", "Rspack", "esbuild", "Rollup", "Vite"]) {
  behaviour(`a page bundled by ${bundler} connects, shows its own card, and is moved`, async (here) => {
    const { freshwire, tab } = here;
    const { "/index.html": html, ...files } = await made(bundler);
    const one: Release = { ...A, document: html!, files, assets: {}, preload: [] };
    const two: Release = { ...one, ...B, document: html!.replace(A.build, B.build) };
    const origin = await Origin.start(freshwire);
    origin.deploy(one);
    await origin.register(one);
    const page = await tab(`${origin.url}/`);
    const current = () =>
      page.until(
        "the page is connected and current",
        () => `${document.body?.dataset.connection} ${document.body?.dataset.standing}` == "open current",
      );
    await current();
    expect(await page.evaluate(() => document.body.dataset.hooks)).toBe("function,function");
    origin.deploy(two);
    await origin.register(two, { severity: "important", over: "0s" });
    await cardSays(page, "A new version is ready");
    await page.click(PRIMARY);
    await freshwire.theSession(APP, "on B", ({ build, state }) => build == B.build && state == "refreshed");
    await current();
    expect(page.errors()).toEqual([]);
  });
}

if (runs("chromium")) {
  test.each(["Jest 29", "TypeScript's node", "TypeScript's node16", "TypeScript's bundler"])(
    "the package is understood by %s",
    async (tool) => void (await made(tool)),
  );
}
