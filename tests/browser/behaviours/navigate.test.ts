import { expect } from "vitest";
import { lookInHand, releaseNormally, userDoes, withCode } from "../src/engines/app.js";
import { aboutNavigation, type Here } from "../src/engines/behaviour.js";
import type { Tab } from "../src/engines/engine.js";
import { connected, hold, isRunning, release } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import type { Site } from "../src/site.js";
import { never } from "../src/until.js";

/** A push is judged at once; this is what a load would take to reach the site. */
const CALM_MS = 700;

const go = () => history.pushState(null, "", "/orders?page=2#top");

/** A page on A that knows that B is there, and what the site would serve. */
async function released({ tab, shop, freshwire }: Here) {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await releaseNormally(freshwire, app, site, B);
  await lookInHand(page);
  return { page, site, app };
}

const stays = (site: Site) => never("the page is loaded anew", () => site.navigations > 1, CALM_MS);

/** Nothing stood in the way but what was tested. */
async function thenGoes(page: Tab, site: Site) {
  await userDoes(page, go);
  await isRunning(page, B);
  expect(site.navigations).toBe(2);
}

aboutNavigation("the user's next navigation becomes a load at its destination", async (here) => {
  const { page, site, app } = await released(here);
  await userDoes(page, go);
  await isRunning(page, B);
  expect(await page.evaluate(() => location.pathname + location.search + location.hash)).toBe(
    "/orders?page=2#top",
  );
  const loaded = site.documents.filter(({ by }) => by == "navigation");
  expect(loaded.map(({ path }) => path)).toEqual(["/", "/orders?page=2"]);
  await here.freshwire.theSession(
    app,
    "on B",
    ({ state, build }) => state == "refreshed" && build == B.build,
  );
  expect(page.errors()).toEqual([]);
});

aboutNavigation("what isn't a push to another path stays within the app", async (here) => {
  const { page, site } = await released(here);
  await userDoes(page, () => history.replaceState(null, "", "/replaced"));
  await userDoes(page, () => history.pushState(null, "", "/replaced"));
  await userDoes(page, () => history.pushState(null, "", "/replaced?page=3"));
  await userDoes(page, () => (location.hash = "end"));
  await stays(site);
  expect(await page.evaluate(() => location.pathname + location.search + location.hash)).toBe(
    "/replaced?page=3#end",
  );
  await thenGoes(page, site);
});

aboutNavigation("the way back stays within the app", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await userDoes(page, () => history.pushState(null, "", "/orders"));
  await releaseNormally(freshwire, app, site, B);
  await lookInHand(page);
  await userDoes(page, () => history.back());
  await page.until("it is back", () => location.pathname == "/");
  await stays(site);
  await thenGoes(page, site);
});

aboutNavigation("a push that no user asked for stays within the app", async (here) => {
  const { page, site } = await released(here);
  await page.evaluate(() => history.pushState(null, "", "/by-itself"));
  await stays(site);
  await thenGoes(page, site);
});

aboutNavigation("a push after a form was sent stays within the app", async (here) => {
  const { page, site } = await released(here);
  await page.evaluate(() => {
    const form = document.createElement("form");
    form.innerHTML = `<button id="send">Send</button>`;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      history.pushState(null, "", "/thanks");
    });
    document.querySelector("main")!.prepend(form);
  });
  await page.click("#send");
  await page.until("it was sent", () => location.pathname == "/thanks");
  await stays(site);
});

aboutNavigation("a push whose state says “stay” stays within the app", async (here) => {
  const { page, site } = await released(here);
  await userDoes(page, () => history.pushState({ freshwire: "stay" }, "", "/wizard/2"));
  await stays(site);
  await thenGoes(page, site);
});

aboutNavigation("while the app holds, its navigations are its own", async (here) => {
  const { page, site } = await released(here);
  await hold(page, "call");
  await userDoes(page, go);
  await stays(site);
  await release(page);
  await userDoes(page, () => history.pushState(null, "", "/next"));
  await isRunning(page, B);
});

aboutNavigation("while a form has input in it, the app's navigations are its own", async (here) => {
  const { page, site } = await released(here);
  await page.type("#note", "tea");
  await userDoes(page, go);
  await stays(site);
  await page.evaluate(() => (window as never as { freshwire: { saved(): void } }).freshwire.saved());
  await userDoes(page, () => history.pushState(null, "", "/next"));
  await isRunning(page, B);
});

aboutNavigation(
  "without a fresh look in hand a navigation stays within the app",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await releaseNormally(freshwire, app, site, B);
    await lookInHand(page);
    // What was seen holds for five minutes.
    await page.evaluate(() => {
      const { now } = Date;
      Date.now = () => now() + 301_000;
    });
    // The look that the press begins isn't there yet when the press pushes.
    site.looksTakeMs = 30_000;
    await userDoes(page, go);
    await stays(site);
    expect(await page.evaluate(() => location.pathname)).toBe("/orders");
  },
);

aboutNavigation(
  "an origin that still serves the old document keeps navigations within the app",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await releaseNormally(freshwire, app, site, B);
    site.deployed = A;
    // Its parts are there: the page that a reload interrupts in loading them says that it couldn't.
    await lookInHand(page);
    await page.reload();
    await connected(page);
    await freshwire.theSession(app, "told", ({ outcome }) => outcome == "received");
    await lookInHand(page);
    await userDoes(page, go);
    await never("the page is loaded anew", () => site.navigations > 2, CALM_MS);
  },
);

aboutNavigation(
  "the app's own handlers see the push before the page is loaded anew",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withCode(
      site,
      `freshwire.push((fresh) => {
      fresh.on("refresh", ({ build }) => sessionStorage.setItem("told", build + " at " + location.pathname));
    });`,
    );
    const page = await tab(site);
    await connected(page);
    await releaseNormally(freshwire, app, site, B);
    await lookInHand(page);
    await userDoes(page, go);
    await isRunning(page, B);
    expect(await page.evaluate(() => sessionStorage.getItem("told"))).toBe(`${B.build} at /orders`);
  },
);
