/** What releases do to real apps with hashed files: built by Vite with React, and by nobody. */

import { expect } from "vitest";
import { behaviour, inEveryEngine, type Here } from "../src/engines/behaviour.js";
import { STILL_CLOCK, pass } from "../src/engines/clock.js";
import type { Tab } from "../src/engines/engine.js";
import { born } from "../src/engines/frames.js";
import { APP, Origin, type Release } from "../src/engines/origin.js";
import { plainShop, reactShop } from "../src/engines/shops.js";
import { PRIMARY, attentive, cardSays } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import { never } from "../src/until.js";

const NOW = { severity: "important", over: "0s" };

/** A page of a release that is deployed and registered, in front and connected. */
async function open({ freshwire, tab }: Here, release: Release): Promise<{ origin: Origin; page: Tab }> {
  const origin = await Origin.start(freshwire);
  origin.deploy(release);
  await origin.register(release);
  const page = await tab(`${origin.url}/`);
  await page.until(
    "the shop is connected",
    () => document.querySelector("footer")?.dataset.connection == "open",
  );
  return { origin, page };
}

const runs = (page: Tab, { build }: Release) =>
  page.until(
    `the shop runs ${build}`,
    (build) => document.querySelector("footer")?.dataset.build == build,
    build,
  );

/** Its pages have as long as it takes to look at them. */
const withStillClock = (release: Release): Release => ({
  ...release,
  document: release.document.replace("<head>", `<head>${STILL_CLOCK}`),
});

const colour = () => getComputedStyle(document.querySelector("header strong")!).color;

for (const shop of [reactShop, plainShop]) {
  const it = `${shop.name}:`;

  behaviour(`${it} a draft survives a forced refresh`, async (here) => {
    const { freshwire } = here;
    const [one, two] = [await shop.release(A), await shop.release(B, { label: "Summer" })];
    const { origin, page } = await open(here, withStillClock(one));
    await attentive(page);
    await page.type("#note", "ring twice");
    await page.click("#count");
    await origin.register(two, { severity: "silent" });
    origin.deploy(two);
    await freshwire.minimum(APP, B, { action: "force" });
    await cardSays(page, "CVE-2026-1234");
    // Pressed, it waits for the draft; but no longer than it would have anyway.
    await page.click(PRIMARY);
    await cardSays(page, "unsaved input");
    expect(origin.navigations).toBe(1);
    await pass(page, 10_000);
    await runs(page, two);
    expect(await page.until("the label", () => document.querySelector("#label")?.textContent)).toBe("Summer");
    await page.until(
      "the draft is back",
      () => document.querySelector<HTMLTextAreaElement>("#note")?.value == "ring twice",
    );
    await page.until("the tins are back", () => document.querySelector("#tins")?.textContent == "4");
    await freshwire.theSession(
      APP,
      "refreshed",
      ({ build, state }) => build == B.build && state == "refreshed",
    );
    expect(origin.navigations).toBe(2);
    expect(page.errors()).toEqual([]);
  });

  inEveryEngine(`${it} a release of style sheets alone changes the colour without a reload`, async (here) => {
    const { freshwire } = here;
    const one = await shop.release(A, { accent: "#2f6b52" });
    const two = await shop.release(B, { accent: "#8a1f5c" });
    const { origin, page } = await open(here, one);
    expect(await page.evaluate(colour)).toBe("rgb(47, 107, 82)");
    const before = await born(page);
    await attentive(page);
    await page.type("#note", "ring twice");
    origin.deploy(two);
    await origin.register(two, { over: "0s" });
    await page.until(
      "the colour has changed",
      () => getComputedStyle(document.querySelector("header strong")!).color == "rgb(138, 31, 92)",
    );
    const session = await freshwire.theSession(APP, "counted on B", ({ build }) => build == B.build);
    expect(session).toMatchObject({ standing: "current", state: "swapped" });
    expect(await freshwire.census(APP)).toEqual({ [B.build]: 1 });
    expect(await born(page)).toBe(before);
    expect(await page.evaluate(() => document.querySelector<HTMLTextAreaElement>("#note")!.value)).toBe(
      "ring twice",
    );
    const sheets = await page.evaluate(() => document.querySelectorAll("link[rel=stylesheet]").length);
    expect(sheets).toBe(1);
    expect(origin.navigations).toBe(1);
    expect(page.errors()).toEqual([]);
  });

  inEveryEngine(`${it} a style sheet that can't be had leaves the old one, and is reported`, async (here) => {
    const { freshwire } = here;
    const one = await shop.release(A, { accent: "#2f6b52" });
    const two = await shop.release(B, { accent: "#8a1f5c" });
    const { origin, page } = await open(here, one);
    const before = await born(page);
    origin.deploy(two);
    origin.wrong = (path) => (path.endsWith(".css") ? 503 : undefined);
    await origin.register(two, { over: "0s" });
    const session = await freshwire.theSession(APP, "failed", ({ outcome }) => outcome == "failed");
    expect(session).toMatchObject({ build: A.build, standing: "stale" });
    expect(session.detail).toMatch(/style sheet/);
    expect(origin.asked.some((path) => path.endsWith(".css") && path in two.files)).toBe(true);
    expect(await page.evaluate(colour)).toBe("rgb(47, 107, 82)");
    expect(await page.evaluate(() => document.querySelectorAll("link[rel=stylesheet]").length)).toBe(1);
    expect(await born(page)).toBe(before);
    expect(page.errors()).toEqual([]);
  });

  behaviour(
    `${it} a deployment that deletes the old chunks stops neither the prompt nor the refresh`,
    async (here) => {
      const [one, two] = [await shop.release(A), await shop.release(B, { label: "Summer" })];
      const { origin, page } = await open(here, one);
      origin.deploy(two);
      await origin.register(two, NOW);
      await cardSays(page, "A new version is ready");
      expect(Object.keys(one.files).filter((path) => path in two.files && path.endsWith(".js"))).toEqual(
        // The chunk of a page that a release doesn't touch keeps its name.
        Object.keys(one.files).filter((path) => /orders.*js/.test(path) && path in two.files),
      );
      await page.click(PRIMARY);
      await runs(page, two);
      expect(origin.navigations).toBe(2);
    },
  );

  inEveryEngine(
    `${it} a chunk that is gone makes the page recover where the user was going`,
    async (here) => {
      const { freshwire } = here;
      const [one, two] = [await shop.release(A), await shop.release(B, { label: "Summer" })];
      const { origin, page } = await open(here, one);
      origin.deploy(two);
      // The old chunk, also where the new release has it under the same name, until the document is loaded anew.
      origin.wrong = (path) => (/orders-/.test(path) && origin.navigations == 1 ? 404 : undefined);
      // Nobody is asked, and nobody is moved by it.
      await origin.register(two, { severity: "silent" });
      await freshwire.theSession(APP, "stale", ({ standing }) => standing == "stale");
      await page.click("nav a[href='/orders']");
      await runs(page, two);
      expect(await page.evaluate(() => location.pathname)).toBe("/orders");
      await page.until("the orders are shown", () => document.body.textContent!.includes("Your orders"));
      await freshwire.theSession(APP, "on B", ({ build }) => build == B.build);
      await never("the page is loaded once more", () => origin.navigations > 2, 1_000);
    },
  );

  inEveryEngine(`${it} the new modules are loaded ahead of the reload`, async (here) => {
    const [one, two] = [await shop.release(A), await shop.release(B, { label: "Summer" })];
    const { origin, page } = await open(here, one);
    origin.deploy(two);
    await origin.register(two, NOW);
    const [entry] = two.preload as [string];
    expect(one.files[entry]).toBeUndefined();
    await cardSays(page, "A new version is ready");
    await page.until(
      "there is a link for it",
      (entry) => !!document.querySelector(`link[rel=modulepreload][href="${entry}"]`),
      entry,
    );
    // All of it: the reload would break off what is still on its way.
    await page.until(
      "it is there",
      (entry) => performance.getEntriesByType("resource").some(({ name }) => name.endsWith(entry)),
      entry,
    );
    expect(origin.asked).toContain(entry);
    expect(origin.navigations).toBe(1);
    await page.click(PRIMARY);
    await runs(page, two);
    // From the cache: nobody asks for it twice.
    expect(origin.asked.filter((path) => path == entry)).toHaveLength(1);
  });
}
