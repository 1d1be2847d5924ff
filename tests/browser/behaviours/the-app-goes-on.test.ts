import { expect } from "vitest";
import { inEveryEngine } from "../src/engines/behaviour.js";
import type { Tab } from "../src/engines/engine.js";
import { PRIMARY, cardSays, connected, disconnected, isRunning } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";

/** The app itself: takes input, counts tins. */
async function works(page: Tab): Promise<void> {
  const tins = () => page.evaluate(() => Number(document.querySelector("#tins")!.textContent));
  const before = await tins();
  await page.type("#note", "tea");
  await page.click("#count");
  expect(await tins()).toBe(before + 1);
  expect(await page.evaluate(() => document.querySelector("textarea")!.value)).toContain("tea");
}

inEveryEngine(
  "the app goes on when the server dies, and is back with it",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    const { session } = await freshwire.theSession(app, "there", () => true);
    await freshwire.kill();
    await disconnected(page);
    await works(page);
    await freshwire.restart();
    expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
    expect(site.navigations).toBe(1);
    expect(page.errors()).toEqual([]);
  },
);

inEveryEngine("the app starts and works where there is no server", async ({ tab, shop, freshwire }) => {
  const { site } = await shop(A);
  await freshwire.kill();
  const page = await tab(site);
  await works(page);
  expect(page.errors()).toEqual([]);
});

inEveryEngine(
  "under a strict policy the page is moved, and nothing is reported",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    site.policy = [
      "default-src 'none'",
      `script-src 'self' ${freshwire.origin}`,
      "style-src 'self'",
      // Firefox and WebKit look for a favicon, and report it as the page's.
      "img-src 'self'",
      `connect-src 'self' ${freshwire.origin} ws://${freshwire.address}`,
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join("; ");
    const violations = () => (window as never as { violations: string[] }).violations;
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    // Held up by its origin first: the look, the report and the card's changes.
    await page.click(PRIMARY);
    await cardSays(page, "available here yet");
    expect(await page.evaluate(violations)).toEqual([]);
    site.deployed = B;
    await page.click(PRIMARY);
    await isRunning(page, B);
    await freshwire.theSession(app, "on B", ({ build }) => build == B.build);
    expect(await page.evaluate(violations)).toEqual([]);
    expect(page.console().filter((line) => /Content.Security.Policy|Trusted/i.test(line))).toEqual([]);
    expect(page.errors()).toEqual([]);
  },
);
