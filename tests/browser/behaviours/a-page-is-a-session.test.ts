import { expect } from "vitest";
import { inEveryEngine } from "../src/engines/behaviour.js";
import { connected } from "../src/engines/snippet.js";
import { A } from "../src/freshwire.js";
import { hasActed } from "../src/parts.js";
import { figure, until } from "../src/until.js";

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
});

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
    await until("it counts as away", async () => (await freshwire.rows(app)).some(({ away }) => away));
    await page.back();
    const ms = await page.until(
      "the page that was left is back and connected",
      () => (window as never as { ms?: number }).ms,
    );
    figure(`back and connected in ${engine.name}, target ${TARGET_MS} ms`, ms);
    expect(ms).toBeLessThan(MOST_MS);
    expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
    expect(site.navigations).toBe(1);
  },
);
