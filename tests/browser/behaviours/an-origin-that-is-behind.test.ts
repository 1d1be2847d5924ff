/** An origin that doesn't serve the new document yet, or not always: pages look before they leap. */

import { expect } from "vitest";
import { card, noCard } from "../src/engines/app.js";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { skipOver, withStillClock } from "../src/engines/clock.js";
import type { Tab } from "../src/engines/engine.js";
import { gated } from "../src/engines/gate.js";
import {
  PRIMARY,
  SECONDARY,
  backoff,
  cardSays,
  connected,
  isRunning,
  works,
} from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import { figure, never, until } from "../src/until.js";

/** Long enough for a loop to show itself. */
const CALM_MS = 2_500;

const refresh = (page: Tab) =>
  page.evaluate(() => (window as never as { freshwire: { refresh(): void } }).freshwire.refresh());

behaviour(
  "a page looks before it leaps: no reload onto the old document, however often it is pressed",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    const { session } = await freshwire.theSession(app, "on A", ({ build }) => build == A.build);
    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    for (let press = 1; press <= 3; press++) {
      const { looks } = site;
      await page.click(PRIMARY);
      await until("the page has looked", () => site.looks > looks);
      await cardSays(page, "available here yet");
    }
    await never("the page is reloaded", () => site.navigations > 1, CALM_MS);
    figure("looks at the old document", site.looks, "");
    const held = "held up by its origin";
    const stuck = await freshwire.theSession(app, held, ({ outcome }) => outcome == "origin_stale");
    expect(stuck).toMatchObject({ session, state: "stuck" });
    expect(stuck.detail).toContain(A.build);
    await isRunning(page, A);

    // The site is healed, and somebody presses again.
    site.deployed = B;
    await page.click(PRIMARY);
    await isRunning(page, B);
    const after = await freshwire.theSession(app, "on B", ({ build }) => build == B.build);
    expect(after).toMatchObject({ session, state: "refreshed", standing: "current" });
    expect(site.navigations).toBe(2);
    expect(page.errors()).toEqual([]);
  },
);

behaviour("a stronger notice doesn't hide that the origin is stale", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await freshwire.release(app, B, { severity: "important" });
  await cardSays(page, "A new version is ready");
  await page.click(PRIMARY);
  const asked = await freshwire.theSession(app, "held up by its origin", ({ state }) => state == "stuck");
  await freshwire.minimum(app, B);
  const told = await freshwire.theSession(
    app,
    "still held up, by the stronger notice",
    ({ campaign, state }) => campaign != asked.campaign && state == "stuck",
  );
  expect(told.outcome).toBe("origin_stale");
  expect(site.navigations).toBe(1);
});

behaviour(
  "when the site heals, a page that was pressed moves by itself",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withStillClock(site);
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    await page.click(PRIMARY);
    await freshwire.theSession(app, "held up by its origin", ({ outcome }) => outcome == "origin_stale");
    site.deployed = B;
    await skipOver(page, backoff(0));
    await isRunning(page, B);
    expect(site.navigations).toBe(2);
  },
);

inEveryEngine(
  "an origin that answers 500, or not at all, is waited for",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    const { looks } = site;
    site.wrong = { status: 500 };
    await page.click(PRIMARY);
    await until("the page has looked", () => site.looks > looks);
    await cardSays(page, "available here yet");
    site.wrong = undefined;
    await site.offline();
    await page.evaluate(() => {
      const own = window as never as { failed?: boolean };
      const { fetch } = window;
      window.fetch = (...asked) =>
        fetch(...asked).catch((error) => {
          own.failed = true;
          throw error;
        });
    });
    await page.click(PRIMARY);
    await page.until("a look has failed", () => "failed" in window);
    await cardSays(page, "available here yet");
    await isRunning(page, A);
    await site.online();
    site.deployed = B;
    await page.click(PRIMARY);
    await isRunning(page, B);
    expect(site.navigations).toBe(2);
    expect(page.errors()).toEqual([]);
  },
);

behaviour(
  "a redirect, to a login perhaps, is followed once and no more",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    site.wrong = { status: 302, location: "/login" };
    await page.click(PRIMARY);
    await page.until("the login is there", () => document.body.innerText.includes("Who are you?"));
    expect(site.navigations).toBe(2);

    // Back without having logged in, to the old document, in the same tab: now a redirect is no longer followed.
    site.wrong = undefined;
    await page.goto(`${site.origin}/?again`);
    await connected(page);
    site.wrong = { status: 302, location: "/login" };
    await refresh(page);
    await cardSays(page, "available here yet");
    await never("the page is reloaded", () => site.navigations > 3, CALM_MS);
  },
);

behaviour(
  "a site that shows the new document to the look and the old one to the reload: bounded tries, then calm",
  async (here) => {
    const { tab, freshwire } = here;
    const { app, site, gate } = await gated(here);
    site.looksLike = B;
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });

    // An operator who insists: each time the page tries once, comes back still old, and is left alone.
    let tried = 0;
    for (;;) {
      const reason = `CVE-2026-1234, told ${tried + 1} times`;
      await freshwire.minimum(app, B, { reason });
      await cardSays(page, reason);
      await page.click(PRIMARY);
      await until(
        "it is reloaded, or has given up",
        async () => site.navigations > tried + 1 || (await card(page)).includes("couldn’t"),
      );
      if (site.navigations == tried + 1) break;
      tried++;
      await freshwire.theSession(app, "still old", ({ state }) => state == "still_old");
      await connected(page);
      await isRunning(page, A);
      expect(await card(page)).toBe("");
    }
    figure("tries onto a site that flaps", tried, "");
    expect(tried).toBe(3);
    const session = await freshwire.theSession(app, "given up", ({ outcome }) => outcome == "failed");
    expect(session).toMatchObject({ state: "stuck", detail: "too_many_tries", standing: "unsupported" });
    await never("the page is reloaded", () => site.navigations > tried + 1, CALM_MS);

    // It says so calmly, can be put away, and the page goes on working.
    await page.click(SECONDARY);
    await noCard(page);
    await works(page);
    expect(gate.notices).toHaveLength(tried + 1);
    expect(gate.outcomes.filter((is) => is == "failed")).toHaveLength(1);
    expect(page.errors()).toEqual([]);
  },
);
