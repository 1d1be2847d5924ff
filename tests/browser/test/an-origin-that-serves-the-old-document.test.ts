import { expect, test } from "vitest";
import { connected, isRunning, notices, outcomes, prompt, running } from "../src/browser.js";
import { A, B } from "../src/freshwire.js";
import { figure, never, until } from "../src/until.js";
import { world } from "../src/world.js";

const here = world();

/** Long enough for a loop to show itself. */
const CALM_MS = 4_000;

test.concurrent(
  "a page looks before it leaps: no reload onto the old document, however often it is pressed",
  async () => {
    const { freshwire } = here;
    const { app, site } = await here.shop(A);
    const watched = await here.open(site);
    const { page } = watched;
    await connected(page);
    const { session } = await freshwire.theSession(app, "on A", ({ build }) => build == A.build);

    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    const { primary, body } = prompt(page);
    for (let press = 1; press <= 3; press++) {
      const looks = site.looks;
      await primary.click();
      await until("the page has looked", () => site.looks > looks);
      await body.filter({ hasText: "available here yet" }).waitFor();
    }
    await never("the page is reloaded", () => site.navigations > 1, CALM_MS);
    figure("looks at the old document", site.looks, "");
    figure("reloads onto it", site.navigations - 1, "");

    const stuck = await freshwire.theSession(
      app,
      "held up by its origin",
      ({ outcome }) => outcome == "origin_stale",
    );
    expect(stuck).toMatchObject({ session, state: "stuck" });
    expect(stuck.detail).toContain(A.build);
    expect(await running(page)).toBe(A.build);

    // The site is healed, and somebody presses again.
    site.deployed = B;
    await primary.click();
    await isRunning(page, B);
    const after = await freshwire.theSession(app, "on B", ({ build }) => build == B.build);
    expect(after).toMatchObject({ session, state: "refreshed", standing: "current" });
    expect(site.navigations).toBe(2);
    expect(watched.errors).toEqual([]);
  },
);

test.concurrent("a stronger notice doesn't hide that the origin is stale", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  await freshwire.release(app, B, { severity: "important" });
  await prompt(page).primary.click();
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

test.concurrent("when the site heals, a page that was pressed moves by itself", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  await freshwire.release(app, B, { severity: "silent" });
  await freshwire.minimum(app, B);
  await prompt(page).primary.click();
  await freshwire.theSession(app, "held up by its origin", ({ outcome }) => outcome == "origin_stale");
  const healedAt = Date.now();
  site.deployed = B;
  // The first look again comes after 30 to 60 s.
  await page.waitForFunction(
    (build) => document.querySelector<HTMLElement>("#build")?.dataset.build == build,
    B.build,
    { timeout: 100_000 },
  );
  figure("from the site's healing to the new build, by itself", Date.now() - healedAt);
  expect(site.navigations).toBe(2);
});

test.concurrent("an origin that answers 500, or not at all, is waited for", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const watched = await here.open(site);
  const { page } = watched;
  await connected(page);
  await freshwire.release(app, B, { severity: "silent" });
  await freshwire.minimum(app, B);
  const { primary, body } = prompt(page);
  site.wrong = { status: 500 };
  await primary.click();
  await body.filter({ hasText: "available here yet" }).waitFor();
  site.wrong = undefined;
  await site.offline();
  await Promise.all([page.waitForEvent("requestfailed"), primary.click()]);
  await body.filter({ hasText: "available here yet" }).waitFor();
  expect(await running(page)).toBe(A.build);
  await site.online();
  site.deployed = B;
  await primary.click();
  await isRunning(page, B);
  expect(site.navigations).toBe(2);
  expect(watched.errors).toEqual([]);
});

test.concurrent("a redirect, to a login perhaps, is followed once and no more", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  await freshwire.release(app, B, { severity: "silent" });
  await freshwire.minimum(app, B);
  site.wrong = { status: 302, location: "/login" };
  await prompt(page).primary.click();
  await page.getByText("Who are you?").waitFor();
  expect(site.navigations).toBe(2);

  // Back without having logged in, to the old document, in the same tab: now a redirect is no longer followed.
  site.wrong = undefined;
  await page.goto(`${site.origin}/?again`);
  await connected(page);
  site.wrong = { status: 302, location: "/login" };
  await page.evaluate(() => (window as never as { freshwire: { refresh(): void } }).freshwire.refresh());
  await prompt(page).body.filter({ hasText: "available here yet" }).waitFor();
  await never("the page is reloaded", () => site.navigations > 3, CALM_MS);
});

test.concurrent(
  "a site that shows the new document to the look and the old one to the reload: bounded tries, then calm",
  async () => {
    const { freshwire } = here;
    const { app, site } = await here.shop(A);
    site.looksLike = B;
    const watched = await here.open(site);
    const { page } = watched;
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    const { card, primary, title, secondary } = prompt(page);

    // An operator who insists: each time the page tries once, comes back still old, and is left alone.
    let tried = 0;
    for (;;) {
      await freshwire.minimum(app, B, { reason: `CVE-2026-1234, told ${tried + 1} times` });
      await primary.or(secondary).first().waitFor();
      await primary.click();
      await until("it is decided", async () => {
        // Asked without waiting: the page may be gone by now.
        const titles = await title.allInnerTexts().catch(() => []);
        return site.navigations > tried + 1 || titles.join().includes("couldn’t");
      });
      if (site.navigations == tried + 1) break;
      tried++;
      await freshwire.theSession(app, "still old", ({ state }) => state == "still_old");
      await connected(page);
      expect(await running(page)).toBe(A.build);
      expect(await card.count()).toBe(0);
    }
    figure("tries onto a site that flaps", tried, "");
    expect(tried).toBe(3);
    const session = await freshwire.theSession(app, "reported", ({ outcome }) => outcome == "failed");
    expect(session).toMatchObject({ state: "stuck", detail: "too_many_tries", standing: "unsupported" });
    await never("the page is reloaded", () => site.navigations > tried + 1, CALM_MS);

    // It says so calmly, can be put away, and the page goes on working.
    await secondary.click();
    await card.waitFor({ state: "detached" });
    await page.getByText("Add a tin").click();
    expect(await page.locator("#tins").innerText()).toBe("4");
    expect(notices(watched)).toHaveLength(tried + 1);
    expect(outcomes(watched).filter((is) => is == "failed")).toHaveLength(1);
    expect(watched.errors).toEqual([]);
  },
);
