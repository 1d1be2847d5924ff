import { expect } from "vitest";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { PRIMARY, cardSays, connected, hold, isRunning, release } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import { never, until } from "../src/until.js";

inEveryEngine("a page connects and is counted", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  expect(await freshwire.census(app)).toEqual({ [A.build]: 1 });
  expect(await freshwire.theSession(app, "in view", ({ visible }) => visible)).toMatchObject({
    standing: "current",
    frame: "top",
  });
  await page.close();
  await until("nobody is left", async () => (await freshwire.sessions(app)).length == 0);
  expect(page.errors()).toEqual([]);
});

inEveryEngine(
  "a security fix shows the countdown, and a press moves the page",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    const { session } = await freshwire.theSession(app, "there", () => true);
    await freshwire.release(app, B, { severity: "silent" });
    site.deployed = B;
    await freshwire.minimum(app, B);
    expect(await cardSays(page, "CVE-2026-1234")).toMatch(/5:00|4:\d\d/);
    await freshwire.theSession(app, "shown it", ({ outcome }) => outcome == "shown");
    await page.click(PRIMARY);
    await isRunning(page, B);
    const after = await freshwire.theSession(app, "on B", ({ state }) => state == "refreshed");
    expect(after).toMatchObject({ session, build: B.build, standing: "current" });
    expect(await freshwire.census(app)).toEqual({ [B.build]: 1 });
    expect(site.navigations).toBe(2);
    expect(page.errors()).toEqual([]);
  },
);

behaviour("a press waits for a hold, and goes on when it is released", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await hold(page, "payment");
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  await freshwire.minimum(app, B);
  await cardSays(page, "CVE-2026-1234");
  await page.click(PRIMARY);
  await cardSays(page, "payment");
  await freshwire.theSession(app, "held", ({ state, holds }) => state == "held" && holds[0] == "payment");
  await never("the page is reloaded", () => site.navigations > 1, 1_500);
  await release(page);
  await isRunning(page, B);
});
