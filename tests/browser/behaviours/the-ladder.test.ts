import { expect } from "vitest";
import { card, cardsSaid, deploy, noCard, withCode, withMemoryOfCards } from "../src/engines/app.js";
import { behaviour } from "../src/engines/behaviour.js";
import { gated } from "../src/engines/gate.js";
import { pass, skip, withClock, withStillClock } from "../src/engines/clock.js";
import { PRIMARY, SECONDARY, cardSays, connected, hold, isRunning, release } from "../src/engines/snippet.js";
import { A, B, C, type Build } from "../src/freshwire.js";
import { never, until } from "../src/until.js";

const D: Build = { build: "d4d4d4d", version: "1.3.0" };

behaviour("a silent release moves nobody and shows nothing", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  site.deployed = B;
  await freshwire.release(app, B, { severity: "silent", over: "0s" });
  await freshwire.theSession(app, "behind", ({ standing }) => standing == "stale");
  await never("a card is shown", () => card(page), 1_000);
  expect(site.navigations).toBe(1);
});

behaviour("a release of normal severity waits for a navigation, and shows nothing", async (here) => {
  const { tab, freshwire } = here;
  const { app, site, gate } = await gated(here);
  const page = await tab(site);
  await connected(page);
  await freshwire.release(app, B, { over: "0s" });
  await freshwire.theSession(app, "told", ({ outcome }) => outcome == "received");
  expect(gate.notices).toMatchObject([{ action: "navigate", build: B.build }]);
  await never("a card is shown", () => card(page), 1_500);
  expect(site.navigations).toBe(1);
});

behaviour(
  "a prompt that was put off stays away, over reloads and for newer releases, until something graver comes",
  async (here) => {
    const { tab, freshwire } = here;
    const { app, site, gate } = await gated(here);
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "important", over: "0s" });
    const said = await cardSays(page, "A new version is ready");
    expect(said).toContain("Later");
    expect(said).not.toMatch(/\d:\d\d/);
    await page.click(SECONDARY);
    await noCard(page);
    const snoozed = await freshwire.theSession(app, "snoozed", ({ state }) => state == "snoozed");
    expect(snoozed.outcome).toBe("snoozed");
    await page.reload();
    await connected(page);
    await never("it is shown again", () => card(page), 1_500);
    await freshwire.theSession(app, "still snoozed", ({ state }) => state == "snoozed");

    await freshwire.release(app, C, { severity: "important", over: "0s" });
    await until("the page knows of the next release", () =>
      gate.received.some(({ type, current }) => type == "standing" && (current as Build).build == C.build),
    );
    await never("that one is shown", () => card(page), 1_500);

    await freshwire.release(app, D, { severity: "security", over: "0s" });
    site.deployed = D;
    expect(await cardSays(page, "Security update ready")).toMatch(/\d:\d\d/);
    await page.click(PRIMARY);
    await isRunning(page, D);
    expect(page.errors()).toEqual([]);
  },
);

behaviour("a prompt that was put off comes back an hour later", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  withClock(site);
  const page = await tab(site);
  await connected(page);
  await freshwire.release(app, B, { severity: "important", over: "0s" });
  await cardSays(page, "A new version is ready");
  await page.click(SECONDARY);
  await noCard(page);
  await skip(page, 3_500_000);
  await never("it is back too soon", () => card(page), 500);
  await skip(page, 200_000);
  await cardSays(page, "A new version is ready");
});

behaviour("a prompt grows into a countdown, step by step", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  withStillClock(site);
  withMemoryOfCards(site);
  const page = await tab(site);
  await connected(page);
  // The server's clock doesn't stand still: the page has that long to show the first, on a busy machine, too.
  await deploy(freshwire, app, site, B, {
    countdown: "3m",
    steps: [
      { after: "0s", action: "prompt" },
      { after: "15s", action: "countdown" },
      { after: "25s", action: "force" },
    ],
  });
  await cardSays(page, "0:10");
  const said = await cardsSaid(page);
  expect(said[0]).toContain("CVE-2026-1234");
  const times = said.map((text) => /\d:\d\d/.exec(text)?.[0]);
  expect(times.filter((time, n) => n == 0 || time != times[n - 1])).toEqual([undefined, "3:00", "0:10"]);
  await pass(page, 10_000);
  await isRunning(page, B);
  expect(site.navigations).toBe(2);
});

behaviour("a countdown that ends moves the page", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  withStillClock(site);
  const page = await tab(site);
  await connected(page);
  await deploy(freshwire, app, site, B, { countdown: "2m" });
  await cardSays(page, "2:00");
  await pass(page, 90_000);
  await cardSays(page, "0:30");
  expect(site.navigations).toBe(1);
  await pass(page, 31_000);
  await isRunning(page, B);
  await freshwire.theSession(app, "moved", ({ state }) => state == "refreshed");
  expect(page.errors()).toEqual([]);
});

behaviour(
  "a force gives ten seconds, whatever holds, and a draft survives it",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withStillClock(site);
    withCode(
      site,
      `freshwire.push((fresh) => {
      const note = document.getElementById("note");
      fresh.keep("note", () => note.value, (text) => (note.value = text));
    });`,
    );
    const page = await tab(site);
    await connected(page);
    await page.type("#note", "Ring twice");
    await hold(page, "payment");
    await deploy(freshwire, app, site, B, { action: "force" });
    await cardSays(page, "0:10");
    await pass(page, 5_000);
    await never("it leaves too soon", () => site.navigations > 1, 500);
    await pass(page, 5_000);
    await isRunning(page, B);
    await page.until("the draft is back", () => document.querySelector("textarea")!.value == "Ring twice");
    expect(site.navigations).toBe(2);
  },
);

behaviour(
  "a hold outlasts a countdown, is reported by name, and lets go when it is released; the card says how long it may",
  async (here) => {
    const { tab, freshwire } = here;
    const { app, site, gate } = await gated(here);
    withStillClock(site);
    const page = await tab(site);
    await connected(page);
    await hold(page, "payment");
    const { session } = await freshwire.theSession(app, "holding", ({ holds }) => holds[0] == "payment");
    await deploy(freshwire, app, site, B, { countdown: "1m", hold_cap: "3m" });
    await cardSays(page, "1:00");
    await pass(page, 62_000);
    expect(await cardSays(page, "Waiting for “payment”")).toMatch(/(3:00|2:[45]\d)[^]*3 minutes at most/);
    await freshwire.theSession(app, "held", ({ state, detail }) => state == "held" && detail == "payment");
    for (const filter of ["held=true", "outcome=held"]) {
      expect(await freshwire.sessions(app, filter)).toMatchObject([
        { session, holds: ["payment"], outcome: "held", detail: "payment" },
      ]);
    }
    const rows = await freshwire.rows(app);
    expect(rows.find(({ build }) => build == A.build)).toMatchObject({ held: 1 });
    await never("the page is reloaded", () => site.navigations > 1, 1_500);
    await release(page);
    await isRunning(page, B);
    const after = await freshwire.theSession(app, "on B", ({ build }) => build == B.build);
    expect(after.session).toBe(session);
    expect(gate.outcomes).toEqual(["received", "shown", "held", "refreshing"]);
  },
);

behaviour("no hold lasts beyond the operator's cap", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  withStillClock(site);
  const page = await tab(site);
  await connected(page);
  await hold(page, "payment");
  await deploy(freshwire, app, site, B, { countdown: "1m", hold_cap: "1m" });
  await cardSays(page, "1:00");
  await pass(page, 100_000);
  await cardSays(page, "Waiting for “payment”");
  await pass(page, 25_000);
  await isRunning(page, B);
});

behaviour("more time is given, up to the cap", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  withStillClock(site);
  const page = await tab(site);
  await connected(page);
  await deploy(freshwire, app, site, B, { countdown: "2m", hold_cap: "3m" });
  expect(await cardSays(page, "2:00")).toContain("More time");
  await page.click(SECONDARY);
  await cardSays(page, "4:00");
  await page.click(SECONDARY);
  expect(await cardSays(page, "5:00")).not.toContain("More time");
  await page.click(PRIMARY);
  await isRunning(page, B);
});

behaviour("a machine that slept owes its user a minute in view", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  withStillClock(site);
  const page = await tab(site);
  await connected(page);
  await deploy(freshwire, app, site, B, { countdown: "2m" });
  await cardSays(page, "2:00");
  await skip(page, 600_000);
  await cardSays(page, "1:00");
  await never("it leaves at once", () => site.navigations > 1, 1_000);
  await pass(page, 61_000);
  await isRunning(page, B);
});

behaviour("a campaign that is called off takes its card away", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await deploy(freshwire, app, site, B);
  await cardSays(page, "CVE-2026-1234");
  await freshwire.done("DELETE", `/v1/apps/${app}/minimum`);
  await noCard(page);
  await never("the page is moved", () => site.navigations > 1, 1_000);
});
