import type { BrowserContext } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connected, isRunning, launchWithTabs, notices, watch } from "../src/browser.js";
import { A, B } from "../src/freshwire.js";
import type { Site } from "../src/site.js";
import { until } from "../src/until.js";
import { world } from "../src/world.js";

const here = world();
const MINUTE = 60_000;
let tabs: Awaited<ReturnType<typeof launchWithTabs>>;
let context: BrowserContext;

beforeAll(async () => {
  tabs = await launchWithTabs();
  ({ context } = tabs);
});
afterAll(() => tabs?.close());

/** A tab whose time can be made to fly. */
async function openTab(site: Site) {
  const watched = watch(await context.newPage());
  const { page } = watched;
  const parts = page.waitForResponse(/go\.mjs/);
  // A test that doesn't ask for them may end before they come.
  parts.catch(() => undefined);
  await page.clock.install();
  await page.goto(`${site.origin}/`);
  await connected(page);
  return {
    ...watched,
    /** What waits for the tab's time to pass is there: before that, no time passes for it. */
    async movable() {
      // As text, or the test runner would take the import for its own.
      await page.evaluate(`import(${JSON.stringify((await parts).url())}).then(() => undefined)`);
    },
  };
}

/** Another tab comes before this one. */
async function cover() {
  const other = await context.newPage();
  await other.bringToFront();
}

test("the census knows which tabs are in view", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const visible = (n: number) =>
    until(`${n} of the sessions are visible`, async () => (await freshwire.rows(app))[0]?.visible == n);
  const { page: first } = await openTab(site);
  const { session } = await freshwire.theSession(app, "there", () => true);
  await visible(1);
  await cover();
  await visible(0);
  await freshwire.theSession(app, "hidden", (s) => !s.visible);

  await openTab(site);
  await until("there are two", async () => (await freshwire.census(app))[A.build] == 2);
  await visible(1);
  await first.bringToFront();
  await until("the first is the one in view", async () => {
    const shown = await freshwire.sessions(app, "visible=true");
    return shown.length == 1 && shown[0]!.session == session;
  });
});

test("a countdown that nobody saw doesn't reload the page: a minute of it is in view", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const watched = await openTab(site);
  const { page, movable } = watched;
  await cover();
  await freshwire.theSession(app, "hidden", (s) => !s.visible);
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  await freshwire.minimum(app, B, { countdown: "2m" });
  await until("it was told", () => notices(watched).length == 1);
  await movable();
  await page.clock.runFor(5 * MINUTE);
  await freshwire.theSession(app, "told but not shown", ({ outcome }) => outcome == "received");
  expect(site.navigations).toBe(1);

  await page.bringToFront();
  await freshwire.theSession(app, "shown", ({ outcome, visible }) => visible && outcome == "shown");
  await page.clock.runFor(30_000);
  expect(site.navigations).toBe(1);
  await page.clock.runFor(32_000);
  await isRunning(page, B);
  await freshwire.theSession(app, "on B", ({ state }) => state == "refreshed");
  expect(watched.errors).toEqual([]);
});

test("a tab that has been out of sight for ten minutes moves by itself, unless it holds", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page, movable } = await openTab(site);
  const { page: holding, movable: holdingMovable } = await openTab(site);
  await holding.evaluate(() => {
    (window as never as { freshwire: { hold(why: string): () => void } }).freshwire.hold("a draft");
  });
  await cover();
  await until("both are hidden", async () => (await freshwire.sessions(app, "visible=false")).length == 2);
  await freshwire.release(app, B, { over: "0s" });
  site.deployed = B;
  await until("both were told", async () => (await freshwire.sessions(app, "outcome=received")).length == 2);
  await Promise.all([movable(), holdingMovable()]);
  await page.clock.runFor(9 * MINUTE);
  expect(await freshwire.census(app)).toEqual({ [A.build]: 2 });
  await page.clock.runFor(2 * MINUTE);
  await holding.clock.runFor(11 * MINUTE);
  let { looks } = site;
  await until("the one moved", async () => {
    if ((await freshwire.census(app))[B.build] == 1) return true;
    if (site.looks > looks) {
      looks = site.looks;
      // Time stands still while it has what it looked for.
      await until("it is loaded", () => site.navigations > 2, 5_000).catch(() => undefined);
      return false;
    }
    // A look that time flew over was given up: the next one comes after a while. It may be moving just now.
    return page.clock.runFor(2_000).then(
      () => false,
      () => false,
    );
  });
  await holding.clock.runFor(11 * MINUTE);
  expect(await freshwire.census(app)).toEqual({ [A.build]: 1, [B.build]: 1 });
  await isRunning(page, B);
});
