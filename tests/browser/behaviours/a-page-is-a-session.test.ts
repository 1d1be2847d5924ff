import { expect } from "vitest";
import { inEveryEngine } from "../src/engines/behaviour.js";
import { PRIMARY, cardSays, connected, isRunning } from "../src/engines/snippet.js";
import { A, B, C } from "../src/freshwire.js";
import { hasActed } from "../src/parts.js";
import { figure, until } from "../src/until.js";

interface Heard {
  heard: string[];
  freshwire: {
    on(event: string, listener: (notice: { action: string; build: string } | null) => void): void;
  };
}

/** What is wanted of a machine that does nothing else. */
const TARGET_MS = 1_000;
/** A busy one may be this much slower. */
const MOST_MS = 30_000;

inEveryEngine("a duplicated document is a session of its own", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  // Reloaded once, so that there has been something in storage to inherit.
  await page.reload();
  await connected(page);
  const copy = await page.duplicate();
  await connected(copy);
  const sessions = await until("there are two sessions", async () => {
    const found = await freshwire.sessions(app);
    return found.length == 2 && found;
  });
  expect(new Set(sessions.map(({ session }) => session)).size).toBe(2);
  expect(await freshwire.census(app)).toEqual({ [A.build]: 2 });
});

inEveryEngine("a reload by the user keeps the session", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  const { session, connected_at } = await freshwire.theSession(app, "there", () => true);
  for (let reload = 1; reload <= 3; reload++) {
    await page.reload();
    await connected(page);
    // Taken out of storage, or a copy of the tab would have it, too.
    expect(
      await page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.endsWith(":session"))),
    ).toEqual([]);
  }
  const after = await freshwire.theSession(app, "connected anew", (now) => now.connected_at != connected_at);
  expect(after.session).toBe(session);
});

inEveryEngine(
  "a page left for another of the same app in the same tab takes its session along, and back again",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    const { session } = await freshwire.theSession(app, "there", () => true);
    await page.until("its part has come", hasActed);
    await page.evaluate(() => void Object.assign(window, { kept: true }));
    await page.goto(`${site.origin}/orders`);
    await connected(page);
    expect((await freshwire.theSession(app, "on the next page", () => true)).session).toBe(session);
    await page.back();
    await page.until("it is back", () => location.pathname == "/");
    await connected(page);
    expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
    // Where it was kept in memory nobody loads it again.
    if (await page.evaluate(() => "kept" in window)) expect(site.navigations).toBe(2);
  },
);

inEveryEngine(
  "a page from the back/forward cache is connected at once",
  { except: { firefox: "it caches no page that is left with an open socket" } },
  async ({ tab, shop, freshwire, engine }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    const { session } = await freshwire.theSession(app, "there", () => true);
    await page.evaluate(() => {
      const own = window as never as {
        since: number;
        ms: number;
        freshwire: { status: { connection: string } };
      };
      // The page measures it itself: the way to it takes a while on a busy machine.
      addEventListener("pageshow", () => {
        const since = performance.now();
        const look = setInterval(() => {
          if (own.freshwire.status.connection != "open") return;
          own.ms = performance.now() - since;
          clearInterval(look);
        }, 10);
      });
    });
    await page.until("its part has come", hasActed);
    await page.goto(`${site.origin}/login`);
    const away = await freshwire.theRows(app, "it as away", (rows) => rows.some(({ away }) => away));
    expect(away).toMatchObject([{ build: A.build, sessions: 0, away: 1 }]);
    expect(await freshwire.sessions(app)).toEqual([]);
    await page.back();
    const ms = await page.until(
      "the page that was left is back and connected",
      () => (window as never as { ms?: number }).ms,
    );
    figure(`back and connected in ${engine.name}, target ${TARGET_MS} ms`, ms);
    expect(ms).toBeLessThan(MOST_MS);
    expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
    expect(await freshwire.rows(app)).toMatchObject([{ sessions: 1, away: 0 }]);
    expect(site.navigations).toBe(1);
  },
);

inEveryEngine(
  "what was decided while a page was away, it learns as it stands when it is back",
  { except: { firefox: "it caches no page that is left with an open socket" } },
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await page.evaluate(() => {
      const own = window as never as Heard;
      own.heard = [];
      own.freshwire.on("notice", (notice) => own.heard.push(`${notice?.action} ${notice?.build}`));
    });
    await page.until("its part has come", hasActed);
    await page.goto(`${site.origin}/login`);
    await freshwire.theRows(app, "it as away", (rows) => rows[0]?.away == 1);
    await freshwire.release(app, B, { severity: "important", over: "0s" });
    await freshwire.minimum(app, B);
    await freshwire.release(app, C, { severity: "silent" });
    await freshwire.minimum(app, C);
    site.deployed = C;
    await page.back();
    await cardSays(page, "CVE-2026-1234");
    // Not what was said in between: only how it stands now.
    expect(await page.evaluate(() => (window as never as Heard).heard)).toEqual([`countdown ${C.build}`]);
    expect(site.navigations).toBe(1);
    await page.click(PRIMARY);
    await isRunning(page, C);
    await freshwire.theSession(app, "current", ({ standing }) => standing == "current");
  },
);
