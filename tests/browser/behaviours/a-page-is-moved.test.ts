import { expect } from "vitest";
import { card, deploy, withCode } from "../src/engines/app.js";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { gated } from "../src/engines/gate.js";
import { PRIMARY, SECONDARY, cardSays, connected, hold, isRunning, release } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import { figure, never, seen } from "../src/until.js";

inEveryEngine(
  "a page connects and is counted, and leaves nothing behind",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    expect(await freshwire.census(app)).toEqual({ [A.build]: 1 });
    expect(await freshwire.theSession(app, "in view", ({ visible }) => visible)).toMatchObject({
      standing: "current",
      frame: "top",
    });
    await page.close();
    await freshwire.theSessions(app, "gone", ({ length }) => length == 0);
    // Not even as away.
    expect((await freshwire.rows(app)).map(({ away }) => away)).not.toContain(1);
    expect(page.errors()).toEqual([]);
  },
);

inEveryEngine("a security fix shows the countdown, and a press moves the page", async (here) => {
  const { tab, freshwire } = here;
  const { app, site, gate } = await gated(here);
  withCode(
    site,
    `const look = () => {
      const card = document.querySelector("[data-freshwire]")?.shadowRoot?.querySelector(".card");
      if (card && card.getBoundingClientRect().height > 0) window.shownAt = Date.now();
      else requestAnimationFrame(look);
    };
    look();`,
  );
  const page = await tab(site);
  await connected(page);
  const { session } = await freshwire.theSession(app, "on A", ({ build }) => build == A.build);
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  const askedAt = Date.now();
  const { affected } = await freshwire.done<{ affected: { sessions: number } }>(
    "PUT",
    `/v1/apps/${app}/minimum`,
    { version: B.version, reason: "CVE-2026-1234" },
  );
  expect(affected.sessions).toBe(1);
  expect(await cardSays(page, "CVE-2026-1234")).toMatch(/5:00|4:\d\d/);
  const shownAt = await page.evaluate(() => (window as never as { shownAt: number }).shownAt);
  // Under a second is wanted.
  figure(`from the request to the countdown in view, in ${here.engine.name}`, shownAt - askedAt);
  await freshwire.theSession(app, "shown it", ({ outcome }) => outcome == "shown");

  const pressedAt = Date.now();
  await page.click(PRIMARY);
  await isRunning(page, B);
  await seen(
    "the census has it on B",
    () => freshwire.census(app),
    (census) => census[B.build] == 1,
  );
  figure(`from the press to the census, in ${here.engine.name}`, Date.now() - pressedAt);
  const after = await freshwire.theSession(app, "on B", ({ state }) => state == "refreshed");
  expect(after).toMatchObject({ session, build: B.build, standing: "current" });
  expect(await freshwire.census(app)).toEqual({ [B.build]: 1 });
  expect(gate.notices).toHaveLength(1);
  expect(gate.outcomes).toEqual(["received", "shown", "refreshing"]);
  expect(site.navigations).toBe(2);
  expect(await card(page)).toBe("");
  expect(page.errors()).toEqual([]);
});

behaviour("a page that is current already is told nothing", async (here) => {
  const { tab, freshwire } = here;
  const { app, site, gate } = await gated(here);
  const old = await tab(site);
  await connected(old);
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  const fresh = await tab(site);
  await connected(fresh);
  await old.front();
  await freshwire.minimum(app, B);
  await cardSays(old, "CVE-2026-1234");
  // There was one notice, and the old page has it.
  expect(gate.notices).toHaveLength(1);
  await fresh.front();
  await never("it shows a card", () => card(fresh), 500);
  expect(gate.notices).toHaveLength(1);
});

behaviour("a press waits for a hold, and goes on when it is released", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await hold(page, "payment");
  await deploy(freshwire, app, site, B);
  await cardSays(page, "CVE-2026-1234");
  await page.click(PRIMARY);
  await cardSays(page, "Waiting for “payment”");
  await freshwire.theSession(app, "held", ({ state, holds }) => state == "held" && holds[0] == "payment");
  await never("the page is reloaded", () => site.navigations > 1, 1_500);
  await release(page);
  await isRunning(page, B);
});

behaviour(
  "a second press goes anyway: the user knows better than the hold",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await hold(page, "payment");
    await deploy(freshwire, app, site, B);
    await cardSays(page, "CVE-2026-1234");
    await page.click(PRIMARY);
    await cardSays(page, "anyway");
    await page.click(SECONDARY);
    await isRunning(page, B);
  },
);

/** The one countdown in real time: all others go by a clock that the test puts forward. */
behaviour(
  "a retired build with force is left after ten seconds of real time, whatever the holds",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await hold(page, "unsaved draft");
    await freshwire.theSession(app, "holding", ({ holds }) => holds[0] == "unsaved draft");
    await freshwire.release(app, B, { severity: "silent" });
    site.deployed = B;
    // Before it can be told: no page may be quicker than what is promised to it.
    const toldAt = Date.now();
    await freshwire.retire(app, A, { action: "force" });
    await isRunning(page, B);
    const ms = Date.now() - toldAt;
    figure("from force to the new build", ms);
    expect(ms).toBeGreaterThanOrEqual(10_000);
    await freshwire.theSession(app, "on B", ({ state, build }) => state == "refreshed" && build == B.build);
    // The hold would have been waited for ten minutes long: that it wasn't is what has been seen.
    expect(site.navigations).toBe(2);
  },
);
