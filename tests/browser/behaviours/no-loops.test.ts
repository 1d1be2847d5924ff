import { expect } from "vitest";
import {
  card,
  countingLoads,
  deploy,
  loads,
  lookInHand,
  releaseNormally,
  userDoes,
  withAttributes,
} from "../src/engines/app.js";
import { aboutNavigation, behaviour, inEveryEngine, type Here } from "../src/engines/behaviour.js";
import { pass, skip, skipOver, waitBegins, waits, withClock, withStillClock } from "../src/engines/clock.js";
import { flips, register, withWorker } from "../src/engines/origins.js";
import { PRIMARY, backoff, cardSays, connected, disconnected, isRunning } from "../src/engines/snippet.js";
import { A, B, C, type Build } from "../src/freshwire.js";
import { never, until } from "../src/until.js";

/** Long enough for a loop to show itself. */
const CALM_MS = 2_500;

const UNATTENDED = `data-unattended="yes"`;

/** A page that nobody looks at moves as soon as it may, and so would loop if anything does. */
async function unattended({ tab, shop }: Here, clocked = withClock) {
  const { app, site } = await shop(A);
  clocked(site);
  withAttributes(site, UNATTENDED);
  const page = await tab(site);
  await connected(page);
  return { app, site, page };
}

behaviour("a balancer that flips between old and new leads to at most one reload", async (here) => {
  // Its time stands still while a reload is under way: one that takes half a minute would be tried again.
  const { app, site, page } = await unattended(here, withStillClock);
  const { freshwire } = here;
  await page.evaluate(() => void Object.assign(window, { left: true }));
  await freshwire.release(app, B, { severity: "silent" });
  flips(site, B, A);
  await freshwire.minimum(app, B);
  const reloads = () => site.navigations > 1;
  // The look may have met either; a later one meets the other.
  for (let failures = 0; !reloads(); failures++) {
    await until(
      "it is reloaded, or is to look again later",
      async () => reloads() || (await waits(page, backoff(failures))),
    );
    if (!reloads()) await skip(page, backoff(failures).upTo);
  }
  // The old document is there until the new one comes.
  await page.until("it came back", () => !("left" in window));
  await connected(page);
  await pass(page, CALM_MS);
  await never("it is reloaded again", () => site.navigations > 2, CALM_MS);
  site.deployed = B;
  await page.reload();
  await isRunning(page, B);
});

behaviour("a page that came back still old is not sent round again", async (here) => {
  const { app, site, page } = await unattended(here);
  const { freshwire } = here;
  await freshwire.release(app, B, { severity: "silent" });
  // Every look finds the new build, and every load gets the old one.
  site.looksLike = B;
  await freshwire.minimum(app, B);
  await until("it was reloaded", () => site.navigations == 2);
  await connected(page);
  await freshwire.theSession(app, "known to be stuck", ({ state }) => state == "still_old");
  await never("it is reloaded again", () => site.navigations > 2, CALM_MS);
  await skip(page, 700_000);
  await never("it is reloaded later", () => site.navigations > 2, 700);
});

behaviour("a stale CDN ends in exactly one reload, after it heals", async (here) => {
  const { app, site, page } = await unattended(here, withStillClock);
  const { freshwire } = here;
  await freshwire.release(app, B, { severity: "silent" });
  await freshwire.minimum(app, B);
  await freshwire.theSession(
    app,
    "held up",
    ({ outcome, state }) => outcome == "origin_stale" && state == "stuck",
  );
  // The looks become rarer: after 30 to 60 s, 60 to 120 s …
  for (const failures of [0, 1]) {
    const { looks } = site;
    await skipOver(page, backoff(failures));
    await until("it has looked again", () => site.looks > looks);
  }
  await pass(page, 1_000);
  await never("it is reloaded onto the old document", () => site.navigations > 1, 700);
  site.deployed = B;
  await skipOver(page, backoff(2));
  await isRunning(page, B);
  await freshwire.theSession(app, "moved", ({ state }) => state == "refreshed");
  await never("it is reloaded again", () => site.navigations > 2, 700);
});

inEveryEngine("a login redirect ends in one reload", async (here) => {
  const { app, site, page } = await unattended(here);
  const { freshwire } = here;
  site.wrong = { status: 302, location: "/login" };
  await deploy(freshwire, app, site, B);
  await page.until("the login is there", () => location.pathname == "/login");
  await never("it is loaded again", () => site.navigations > 2, 1_000);
  site.wrong = undefined;
  await page.goto(`${site.origin}/`);
  await isRunning(page, B);
  await connected(page);
});

behaviour("a login that leads back to the old document is not followed twice", async (here) => {
  const { app, site, page } = await unattended(here);
  const { freshwire } = here;
  await freshwire.release(app, B, { severity: "silent" });
  // The look sees a redirect; the user's cookie then brings them straight back, to a document that is still old.
  site.files["/login.html"] = `<!doctype html><script>location.replace("/orders")</script>`;
  site.wrong = { status: 302, location: "/login.html" };
  await freshwire.minimum(app, B);
  await until("it was redirected", () => site.documents.some(({ by }, n) => n > 0 && by == "navigation"));
  site.wrong = undefined;
  await page.until("it is back", () => location.pathname == "/orders");
  await connected(page);
  site.wrong = { status: 302, location: "/login.html" };
  const { navigations } = site;
  await skip(page, 61_000);
  await never("it is sent there again", () => site.navigations > navigations, CALM_MS);
});

inEveryEngine(
  "a service worker is updated first, and the page ends on the new build after one reload",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    countingLoads(site);
    // The worker is given 3 s for each of its steps, on the page's clock: a busy machine may take longer.
    withStillClock(site);
    withWorker(site, A);
    const page = await tab(site);
    await connected(page);
    await register(page);
    // From here on the site isn't asked for the document any more.
    await page.reload();
    await isRunning(page, A);
    await connected(page);
    const { navigations } = site;
    const before = await loads(page);
    // The document first: browsers look for new workers by themselves, and one that is too early would keep the old.
    site.deployed = B;
    withWorker(site, B);
    await deploy(freshwire, app, site, B);
    await cardSays(page, "CVE-2026-1234");
    await page.click(PRIMARY);
    await isRunning(page, B);
    await freshwire.theSession(app, "on B", ({ build, state }) => build == B.build && state == "refreshed");
    expect(await loads(page)).toBe(before + 1);
    expect(site.navigations).toBe(navigations);
  },
);

behaviour("a captive portal is waited out", async (here) => {
  const { app, site, page } = await unattended(here);
  const { freshwire } = here;
  const { head } = site;
  site.wrong = { status: 503 };
  await deploy(freshwire, app, site, B);
  await until("it has looked", () => site.looks > 0);
  // The portal answers whatever is asked for, and lets nothing through to Freshwire.
  await freshwire.kill();
  await disconnected(page);
  const { looks } = site;
  Object.assign(site, { wrong: undefined, head: () => "" });
  await skip(page, 61_000);
  await until("it has looked again", () => site.looks > looks);
  await never("it is loaded", () => site.navigations > 1, 700);
  site.head = head;
  await skip(page, 61_000);
  await isRunning(page, B);
  expect(site.navigations).toBe(2);
});

behaviour("an origin that is down is waited out", async (here) => {
  const { app, site, page } = await unattended(here, withStillClock);
  const { freshwire } = here;
  site.wrong = { status: 503 };
  await deploy(freshwire, app, site, B);
  // Only then is no look under way any more, which might find the origin healed.
  await waitBegins(page, backoff(0));
  expect(site.looks).toBeGreaterThan(0);
  await never("it is loaded", () => site.navigations > 1, 700);
  site.wrong = undefined;
  await skip(page, backoff(0).upTo);
  await isRunning(page, B);
  expect(site.navigations).toBe(2);
});

const D: Build = { build: "d4d4d4d", version: "1.3.0" };
const E: Build = { build: "e5e5e5e", version: "1.4.0" };
const F: Build = { build: "f6f6f6f", version: "1.5.0" };

behaviour("no page reloads itself more than four times an hour", async (here) => {
  const { app, site, page } = await unattended(here);
  const { freshwire } = here;
  for (const build of [B, C, D, E]) {
    await deploy(freshwire, app, site, build);
    await isRunning(page, build);
    await freshwire.theSession(app, `on ${build.build}`, (session) => session.build == build.build);
  }
  await deploy(freshwire, app, site, F);
  await freshwire.theSession(
    app,
    "given up",
    ({ outcome, detail }) => outcome == "failed" && detail == "too_many_tries",
  );
  await never("it is reloaded once more", () => site.navigations > 5, 700);
  // Nobody looks at it, so nothing is shown.
  expect(await card(page)).toBe("");
});

aboutNavigation(
  "a document that goes back and forth is never a loop by navigations either",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    site.looksLike = B;
    await releaseNormally(freshwire, app, site, B);
    site.deployed = A;
    await lookInHand(page);
    await userDoes(page, () => history.pushState(null, "", "/orders"));
    await until("it was loaded anew", () => site.navigations == 2);
    await connected(page);
    // Still on A. The next navigation is the app's own again.
    await freshwire.theSession(app, "known to be stuck", ({ state }) => state == "still_old");
    await userDoes(page, () => history.pushState(null, "", "/next"));
    await never("it is loaded anew", () => site.navigations > 2, 1_000);
  },
);

inEveryEngine(
  "a reload that silently does nothing is tried again",
  { needsNavigation: "without the Navigation API nothing can stop a reload" },
  async (here) => {
    const { app, site, page } = await unattended(here);
    const { freshwire } = here;
    await page.evaluate(() => {
      const own = window as never as { stopped: number; let?: boolean; navigation: EventTarget };
      own.stopped = 0;
      own.navigation.addEventListener("navigate", (event) => {
        if (
          own.let ||
          (event as never as { destination: { sameDocument: boolean } }).destination.sameDocument
        )
          return;
        own.stopped++;
        event.preventDefault();
      });
    });
    const stopped = (times: number) =>
      page.until(
        `a reload came to nothing ${times} times`,
        (times) => (window as never as { stopped: number }).stopped == times,
        times,
      );
    await deploy(freshwire, app, site, B);
    await stopped(1);
    await skip(page, 31_000);
    await stopped(2);
    await page.evaluate(() => void ((window as never as { let: boolean }).let = true));
    await skip(page, 31_000);
    await isRunning(page, B);
    expect(site.navigations).toBe(2);
  },
);
