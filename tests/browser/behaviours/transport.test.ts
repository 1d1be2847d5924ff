import { expect } from "vitest";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { lifecycle, offline } from "../src/engines/cdp.js";
import type { Tab } from "../src/engines/engine.js";
import { gated } from "../src/engines/gate.js";
import { PRIMARY, cardSays, connected, disconnected, hold, isRunning } from "../src/engines/snippet.js";
import { COUNTED, HURRIED, hurry, timers } from "../src/engines/timers.js";
import { A, B } from "../src/freshwire.js";
import { hasActed } from "../src/parts.js";
import { figure, never, settled, until } from "../src/until.js";

interface Page {
  freshwire: { status: { connection: string } };
}

const polling = (tab: Tab) =>
  tab.until("the page polls", () => (window as never as Page).freshwire.status.connection == "polling");

const comesOnline = (tab: Tab) => tab.evaluate(() => void dispatchEvent(new Event("online")));

const FAST = { flags: ["--poll-interval", "1s"] };

inEveryEngine(
  "where sockets are refused the page polls, is told and tells, and goes back to a socket when it can",
  FAST,
  async (here) => {
    const { freshwire, tab } = here;
    const { app, site, gate } = await gated(here);
    gate.refusesSockets = true;
    const page = await tab(site);
    await polling(page);
    const { session } = await freshwire.theSession(app, "polling", ({ transport }) => transport == "poll");
    await freshwire.release(app, B, { severity: "silent" });
    site.deployed = B;
    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    await freshwire.theSession(app, "shown it", ({ outcome }) => outcome == "shown");
    await freshwire.done("POST", `/v1/apps/${app}/push`, { topic: "flags", data: 1 });
    await until("it has nothing for a push, and says so", async () => {
      type Pushes = { pushes: { unhandled: number }[] };
      const { pushes } = await freshwire.done<Pushes>("GET", `/v1/apps/${app}/pushes`);
      return pushes[0]!.unhandled == 1;
    });
    await hold(page, "payment");
    await page.click(PRIMARY);
    await freshwire.theSession(app, "held", ({ state, holds }) => state == "held" && holds[0] == "payment");

    gate.heal();
    await comesOnline(page);
    await connected(page);
    const healed = await freshwire.theSession(app, "on a socket", ({ transport }) => transport == "ws");
    expect(healed).toMatchObject({ session, build: A.build, holds: ["payment"] });
    expect(gate.opened).toBe(1);
    expect(site.navigations).toBe(1);
    expect(page.errors()).toEqual([]);
  },
);

inEveryEngine("a page that polls is moved, and is the same session after it", FAST, async (here) => {
  const { freshwire, tab } = here;
  const { app, site, gate } = await gated(here);
  gate.refusesSockets = true;
  const page = await tab(site);
  await polling(page);
  const { session } = await freshwire.theSession(app, "polling", ({ transport }) => transport == "poll");
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  await freshwire.minimum(app, B);
  await page.click(PRIMARY);
  await isRunning(page, B);
  const moved = await freshwire.theSession(app, "on B", ({ build }) => build == B.build);
  expect(moved).toMatchObject({ session, transport: "poll", state: "refreshed" });
  expect(gate.opened).toBe(0);
});

inEveryEngine(
  "ten minutes without a network end in one reconnect",
  { except: { firefox: "it makes sockets wait for up to a minute by itself after failures, unhurried" } },
  async (here) => {
    const { freshwire, tab, engine } = here;
    const { app, site, gate } = await gated(here, HURRIED);
    const page = await tab(site);
    await connected(page);
    const { session } = await freshwire.theSession(app, "there", () => true);
    await hurry(page, 150);
    const before = await page.evaluate(() => Date.now());
    gate.cut();
    await disconnected(page);
    const offline = await page.until(
      "ten minutes have gone by",
      (before) => Date.now() - before > 600_000 && Date.now() - before,
      before,
    );
    const tries = gate.refused;
    figure(`connections tried in ten minutes offline in ${engine.name}`, (tries * 600_000) / offline, "");
    // Every 15 s on average once backed off, sockets and polls.
    expect(tries).toBeLessThan(offline / 5_000);
    // The server answers in its own time. What was hurried has come to its end: nothing is under way but waiting.
    await hurry(page, 1);
    await settled("it tries no more", () => Promise.resolve(gate.refused), 500);
    await page.until("it waits", () => (window as never as Page).freshwire.status.connection == "waiting");
    const opened = gate.opened;
    const since = Date.now();
    gate.heal();
    await comesOnline(page);
    await connected(page);
    figure(`connected again in ${engine.name} after`, Date.now() - since);
    expect((await freshwire.theSession(app, "back", ({ transport }) => transport == "ws")).session).toBe(
      session,
    );
    await hurry(page, 150);
    await never("it connects once more", () => gate.opened > opened + 1, 1_000);
    expect(site.navigations).toBe(1);
    expect(page.errors()).toEqual([]);
  },
);

inEveryEngine(
  "a page whose cable was pulled finds out when it is looked at, and comes back by itself",
  async (here) => {
    const { freshwire, tab } = here;
    const { app, site, gate } = await gated(here);
    const page = await tab(site);
    await connected(page);
    await page.until("what asks is there", hasActed);
    const { session } = await freshwire.theSession(app, "there", () => true);
    gate.unplug();
    await freshwire.kill();
    const isOpen = () => page.evaluate(() => (window as never as Page).freshwire.status.connection == "open");
    // The socket looks open until somebody asks it.
    await never("it knows by itself", async () => !(await isOpen()), 1_000);
    const asked = Date.now();
    await tab("about:blank");
    await page.front();
    await disconnected(page);
    figure("from a look at it to its knowing that nobody answers", Date.now() - asked);
    await freshwire.restart();
    await never(
      "it is there without a network",
      async () => (await freshwire.sessions(app)).length > 0,
      1_000,
    );
    const since = Date.now();
    gate.heal();
    await connected(page);
    figure("back after the network", Date.now() - since);
    expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
    expect(site.navigations).toBe(1);
  },
);

behaviour(
  "a page whose browser says that it is online again is back",
  {
    except: {
      firefox: "nobody can tell it that it is offline",
      webkit: "nobody can tell it that it is offline",
    },
  },
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    const { session } = await freshwire.theSession(app, "there", () => true);
    await offline(page, true);
    expect(await page.evaluate(() => navigator.onLine)).toBe(false);
    await freshwire.kill();
    await disconnected(page);
    await freshwire.restart();
    await never(
      "it is there without a network",
      async () => (await freshwire.sessions(app)).length > 0,
      1_000,
    );
    const since = Date.now();
    await offline(page, false);
    await connected(page);
    figure("back after the browser's word", Date.now() - since);
    expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
    expect(site.navigations).toBe(1);
  },
);

inEveryEngine(
  "a hidden tab runs no repeating timers, even while a countdown runs",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    site.head = (build) => COUNTED + site.tag(build);
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    const ticking = (await timers(page)).wakeups;
    await until("it ticks while it is looked at", async () => (await timers(page)).wakeups > ticking + 1);
    await tab("about:blank");
    await page.until("it is hidden", () => document.hidden);
    // What was under way at that moment may still come to its end.
    const last = await settled("it is quiet", async () => (await timers(page)).wakeups, 1_200);
    await never("a timer of ours goes off", async () => (await timers(page)).wakeups > last, 3_000);
    expect((await timers(page)).intervals).toBe(0);
  },
);

behaviour(
  "a frozen page lets its connection go, and takes it up again when it is thawed",
  { except: { firefox: "nobody can freeze its pages", webkit: "nobody can freeze its pages" } },
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    const { session } = await freshwire.theSession(app, "there", () => true);
    await tab("about:blank");
    await page.until("it is hidden", () => document.hidden);
    await lifecycle(page, "frozen");
    await until("it counts as away", async () => (await freshwire.rows(app)).some(({ away }) => away));
    expect(await freshwire.sessions(app)).toEqual([]);
    await lifecycle(page, "active");
    expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
    expect(site.navigations).toBe(1);
  },
);

inEveryEngine(
  "a page that is hidden between its hello and its welcome is known to be hidden",
  async (here) => {
    const { freshwire, tab } = here;
    const { app, site, gate } = await gated(here);
    gate.mute();
    const page = await tab(site);
    await freshwire.theSession(app, "seen in view", ({ visible }) => visible);
    expect(await page.evaluate(() => (window as never as Page).freshwire.status.connection)).toBe(
      "connecting",
    );
    await tab("about:blank");
    await page.until("it is hidden", () => document.hidden);
    gate.unmute();
    await connected(page);
    await freshwire.theSession(app, "known to be hidden", ({ visible }) => !visible);
    await page.front();
    await freshwire.theSession(app, "in view again", ({ visible }) => visible);
    expect(gate.opened).toBe(1);
  },
);
