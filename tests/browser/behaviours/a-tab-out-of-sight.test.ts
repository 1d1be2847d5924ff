import { expect } from "vitest";
import { inEveryEngine } from "../src/engines/behaviour.js";
import { pass, skip, waitBegins, withStillClock } from "../src/engines/clock.js";
import { cardSays, connected, hold, isRunning } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import { never, seen } from "../src/until.js";

const MINUTE = 60_000;
const HIDDEN = { longerThan: 10 * MINUTE - 1, upTo: 10 * MINUTE + 1 };

inEveryEngine("the census knows which tabs are in view", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const visible = (n: number) =>
    freshwire.theRows(app, `${n} in view`, (rows) => rows[0]?.visible == n && rows.length == 1);
  const first = await tab(site);
  await connected(first);
  const { session } = await freshwire.theSession(app, "there", () => true);
  await visible(1);
  await tab("about:blank");
  await visible(0);
  await freshwire.theSession(app, "hidden", (now) => !now.visible);

  await connected(await tab(site));
  await freshwire.theRows(app, "two", (rows) => rows[0]?.sessions == 2);
  await visible(1);
  await first.front();
  await seen(
    "the first is the one in view",
    () => freshwire.sessions(app, "visible=true"),
    (shown) => shown.length == 1 && shown[0]!.session == session,
  );
});

inEveryEngine(
  "a countdown that nobody saw doesn't reload the page: a minute of it is in view",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withStillClock(site);
    const page = await tab(site);
    await connected(page);
    await tab("about:blank");
    await freshwire.theSession(app, "hidden", ({ visible }) => !visible);
    await freshwire.release(app, B, { severity: "silent" });
    site.deployed = B;
    await freshwire.minimum(app, B, { countdown: "2m" });
    await freshwire.theSession(app, "told", ({ outcome }) => outcome == "received");
    // It waits for nothing but its ten minutes out of sight.
    await waitBegins(page, HIDDEN);
    await skip(page, 5 * MINUTE);
    await never("it is reloaded", () => site.navigations > 1, 1_000);
    await freshwire.theSession(app, "told but not shown", ({ outcome }) => outcome == "received");

    await page.front();
    await freshwire.theSession(app, "shown", ({ outcome, visible }) => visible && outcome == "shown");
    await cardSays(page, "1:00");
    await pass(page, 30_000);
    await cardSays(page, "0:30");
    expect(site.navigations).toBe(1);
    await pass(page, 32_000);
    await isRunning(page, B);
    await freshwire.theSession(app, "on B", ({ state }) => state == "refreshed");
    expect(page.errors()).toEqual([]);
  },
);

inEveryEngine(
  "a tab that has been out of sight for ten minutes moves by itself, unless it holds",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    // It stands still while there is something to load: a look that time flies over is given up.
    withStillClock(site);
    const page = await tab(site);
    await connected(page);
    const holding = await tab(site);
    await connected(holding);
    await hold(holding, "a draft");
    await tab("about:blank");
    await freshwire.theSessions(
      app,
      "both hidden",
      (all) => all.length == 2 && all.every(({ visible }) => !visible),
    );
    await freshwire.release(app, B, { over: "0s" });
    site.deployed = B;
    await freshwire.theSessions(app, "both told", (all) => all.every(({ outcome }) => outcome == "received"));
    await waitBegins(page, HIDDEN);
    await waitBegins(holding, HIDDEN);
    await skip(page, 9 * MINUTE);
    await never("it moves too soon", () => site.navigations > 2, 1_000);
    expect(await freshwire.census(app)).toEqual({ [A.build]: 2 });
    await skip(page, 2 * MINUTE);
    await skip(holding, 11 * MINUTE);
    await isRunning(page, B);
    await freshwire.theRows(app, "one on B", (rows) =>
      rows.some(({ build, sessions }) => build == B.build && sessions == 1),
    );
    await skip(holding, 11 * MINUTE);
    await never("the one that holds moves", () => site.navigations > 3, 1_500);
    expect(await freshwire.census(app)).toEqual({ [A.build]: 1, [B.build]: 1 });
  },
);
