/** Pictures of the real prompt for the README, light and dark: the countdown of a security fix. */

import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { connected, prompt, watch } from "../browser.js";
import { A, B } from "../../src/freshwire.js";
import { until } from "../../src/until.js";
import { world } from "../world.js";

const here = world();
const IMAGES = fileURLToPath(new URL("../../../../docs/images/", import.meta.url));
const SIZE = { width: 640, height: 430 };

// A font of its own, so that the pictures look the same wherever they are taken.
const FONT = await readFile(
  createRequire(import.meta.url).resolve("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"),
);
const DRESSED = `
@font-face{font-family:Inter;font-weight:100 900;src:url(/inter.woff2)}
:root{--freshwire-font:Inter}
body{font:15px/1.5 Inter}
`;

for (const [colorScheme, file] of [
  ["light", "prompt.png"],
  ["dark", "prompt-dark.png"],
] as const) {
  test(`the countdown of a security fix, in ${colorScheme}`, async () => {
    const { freshwire } = here;
    const { app, site } = await here.shop(A);
    site.files["/inter.woff2"] = FONT;
    site.files["/style.css"] += DRESSED;
    const context = await here.browser.newContext({ colorScheme, deviceScaleFactor: 2, viewport: SIZE });
    const { page } = watch(await context.newPage());
    await page.clock.install();
    await page.goto(`${site.origin}/`);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    site.deployed = B;
    await freshwire.minimum(app, B, { countdown: "5m" });
    const { time } = prompt(page);
    await time.waitFor();
    await page.clock.runFor(95_000);
    await until("some time has passed", async () => (await time.innerText()) == "3:21");
    await page.evaluate(() => document.fonts.ready);
    await mkdir(IMAGES, { recursive: true });
    const png = await page.screenshot({ path: IMAGES + file });
    expect(png.length).toBeGreaterThan(10_000);
  });
}
