import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished } from "vitest";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { connectWith, noted } from "../src/engines/connected-by-hand.js";
import { born } from "../src/engines/frames.js";
import { PRIMARY, cardSays, connected, hold, isRunning, release } from "../src/engines/snippet.js";
import { testimony } from "../src/engines/witness.js";
import { A, B } from "../src/freshwire.js";
import { never, until } from "../src/until.js";

const NOW = { severity: "important", over: "0s" };

behaviour("a shell's own refresh is called instead of the reload", async (here) => {
  const { tab, shop, freshwire } = here;
  const made = await shop(A);
  connectWith(made, freshwire.origin, "refresh: (target) => note(target)");
  const page = await tab(made.site);
  await connected(page);
  const { number } = await freshwire.release(made.app, B, NOW);
  made.site.deployed = B;
  await cardSays(page, "A new version is ready");
  await page.click(PRIMARY);
  await until("it is called", async () => (await noted(page)).length == 1);
  expect(await noted(page)).toMatchObject([
    { build: B.build, version: B.version, notice: expect.any(Number) },
  ]);
  expect(number).toBeTruthy();
  await freshwire.theSession(made.app, "refreshing", ({ outcome }) => outcome == "refreshing");
  await never("the page is reloaded all the same", () => made.site.navigations > 1, 1_500);
  expect(await noted(page)).toHaveLength(1);
});

behaviour("a shell's refresh that fails is reported, and the card says so", async (here) => {
  const { tab, shop, freshwire } = here;
  const made = await shop(A);
  connectWith(made, freshwire.origin, 'refresh: () => Promise.reject(new Error("no store is installed"))');
  const page = await tab(made.site);
  await connected(page);
  await freshwire.release(made.app, B, NOW);
  made.site.deployed = B;
  await cardSays(page, "A new version is ready");
  await page.click(PRIMARY);
  const session = await freshwire.theSession(made.app, "failed", ({ outcome }) => outcome == "failed");
  expect(session.detail).toContain("no store is installed");
  await cardSays(page, "couldn’t be updated");
  expect(made.site.navigations).toBe(1);
  expect((await testimony(page)).errors).toEqual([]);
});

behaviour("an unattended page asks nobody, waits for a hold, and looks before it goes", async (here) => {
  const { tab, shop, freshwire } = here;
  const made = await shop(A);
  connectWith(made, freshwire.origin, "unattended: true");
  const page = await tab(made.site);
  await connected(page);
  await hold(page, "playing the advert");
  await freshwire.release(made.app, B, NOW);
  await freshwire.theSession(made.app, "told", ({ outcome }) => outcome != null);
  const asks = () => page.evaluate(() => !!document.querySelector("[data-freshwire]"));
  await never("it asks, or is moved", async () => made.site.navigations > 1 || (await asks()), 1_000);
  // Looks first: the origin isn't there yet.
  await release(page);
  await until("it has looked", () => made.site.looks > 0);
  await never("it goes to where nothing is", () => made.site.navigations > 1, 1_000);
  expect(await asks()).toBe(false);
});

behaviour("an unattended page is on the new build without anybody's doing", async (here) => {
  const { tab, shop, freshwire } = here;
  const made = await shop(A);
  connectWith(made, freshwire.origin, "unattended: true");
  const page = await tab(made.site);
  await connected(page);
  made.site.deployed = B;
  await freshwire.release(made.app, B, NOW);
  await isRunning(page, B);
  await freshwire.theSession(
    made.app,
    "refreshed",
    ({ build, state }) => build == B.build && state == "refreshed",
  );
  expect(made.site.navigations).toBe(2);
});

inEveryEngine("a file isn't reloaded, and the operator is told", async (here) => {
  const { tab, freshwire } = here;
  await freshwire.release("kiosk", A);
  const folder = await mkdtemp(join(tmpdir(), "freshwire-file-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "index.html");
  await writeFile(
    file,
    `<!doctype html><html lang="en"><title>Kiosk</title><meta name="freshwire-build" content="${A.build}" />
<script src="${freshwire.origin}/freshwire.js" data-app="kiosk" async></script><p>Welcome</p>`,
  );
  const page = await tab(pathToFileURL(file).href);
  await connected(page);
  const before = await born(page);
  await freshwire.release("kiosk", B, NOW);
  await cardSays(page, "A new version is ready");
  await page.click(PRIMARY);
  const session = await freshwire.theSession("kiosk", "failed", ({ outcome }) => outcome == "failed");
  expect(session.detail).toBe("unhandled");
  await never("it is reloaded", async () => (await born(page)) != before, 1_000);
});
