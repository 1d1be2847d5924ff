import { expect, test } from "vitest";
import { connected, goBack } from "../src/browser.js";
import { A } from "../src/freshwire.js";
import { hasActed } from "../src/parts.js";
import { until } from "../src/until.js";
import { world } from "../src/world.js";

const here = world();

test("a duplicated tab is a session of its own", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  // Reloaded once, so that there has been something in storage to inherit.
  await page.reload();
  await connected(page);
  await page.evaluate(() => sessionStorage.setItem("the tab's", "mark"));
  const [copy] = await Promise.all([
    page.context().waitForEvent("page"),
    page.evaluate(() => void window.open(location.href)),
  ]);
  await connected(copy);
  expect(await copy.evaluate(() => sessionStorage.getItem("the tab's"))).toBe("mark");
  const sessions = await until("there are two sessions", async () => {
    const found = await freshwire.sessions(app);
    return found.length == 2 && found;
  });
  expect(new Set(sessions.map(({ session }) => session)).size).toBe(2);
  expect(await freshwire.census(app)).toEqual({ [A.build]: 2 });
});

test("a reload by the user keeps the session", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  const { session, connected_at } = await freshwire.theSession(app, "there", () => true);
  for (let reload = 1; reload <= 3; reload++) {
    await page.reload();
    await connected(page);
    expect(
      await page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.endsWith(":session"))),
    ).toEqual([]);
  }
  const after = await freshwire.theSession(app, "connected anew", (s) => s.connected_at != connected_at);
  expect(after.session).toBe(session);
});

test("into the back/forward cache a page leaves as away, and out of it it comes as the same session", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  const { session } = await freshwire.theSession(app, "there", () => true);
  await page.evaluate(() => (document.documentElement.dataset.kept = "in memory"));

  await page.waitForFunction(hasActed);
  await page.goto("about:blank");
  const row = await until("it counts as away", async () =>
    (await freshwire.rows(app)).find(({ away }) => away),
  );
  expect(row).toMatchObject({ build: A.build, sessions: 0, away: 1 });
  expect(await freshwire.sessions(app)).toEqual([]);

  await goBack(page, `${site.origin}/`);
  await connected(page);
  expect(
    await page.evaluate(() => document.documentElement.dataset.kept),
    "it was restored, not loaded",
  ).toBe("in memory");
  expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
  expect((await freshwire.rows(app))[0]).toMatchObject({ sessions: 1, away: 0 });
  expect(site.navigations).toBe(1);
});

test("a page left for another of the same app in the same tab takes its session along, and back again", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  const { session } = await freshwire.theSession(app, "there", () => true);
  await page.waitForFunction(hasActed);
  await page.goto(`${site.origin}/orders`);
  await connected(page);
  expect((await freshwire.theSession(app, "on the next page", () => true)).session).toBe(session);
  await goBack(page, `${site.origin}/`);
  await connected(page);
  expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
  expect(site.navigations).toBe(2);
});

test("closing a tab leaves nothing behind, not even as away", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  await freshwire.theSession(app, "there", () => true);
  await page.close({ runBeforeUnload: true });
  await until("it is gone", async () => (await freshwire.sessions(app)).length == 0);
  expect((await freshwire.rows(app)).map(({ away }) => away)).not.toContain(1);
});
