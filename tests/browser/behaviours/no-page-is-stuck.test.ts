/** Pages that could not be moved, or not to where their users were: each is moved, or its operator is told why not. */

import { expect } from "vitest";
import { deploy, releaseNormally, userDoes, withCode } from "../src/engines/app.js";
import { aboutNavigation, behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { PRIMARY, attentive, cardSays, connected, isRunning } from "../src/engines/snippet.js";
import { A, B, type Build } from "../src/freshwire.js";
import type { Site } from "../src/site.js";
import { never, settled, until } from "../src/until.js";

const REASON = "CVE-2026-1234";

inEveryEngine("a document that came by POST is loaded anew by GET", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(`${site.origin}/start`);
  await connected(page);
  await page.evaluate(() => {
    document.body.insertAdjacentHTML(
      "beforeend",
      `<form method="post" action="/returned?order=7#paid"><button id="pay">Pay</button></form>`,
    );
  });
  await page.click("#pay");
  await page.until("it has returned", () => location.pathname == "/returned");
  await connected(page);
  await deploy(freshwire, app, site, B);
  await cardSays(page, REASON);
  await page.click(PRIMARY);
  await isRunning(page, B);
  const loads = site.documents.filter(({ by, path }) => by == "navigation" && path != "/start");
  expect(loads.map(({ method }) => method)).toEqual(["POST", "GET"]);
  expect(await page.evaluate(() => location.pathname + location.search + location.hash)).toBe(
    "/returned?order=7#paid",
  );
});

/** What an app, or its user, has forbidden: all of it throws. */
const FORBIDDEN = `
const no = () => { throw new DOMException("forbidden", "SecurityError"); };
for (const name of ["sessionStorage", "localStorage", "caches", "indexedDB"])
  Object.defineProperty(window, name, { get: no, configurable: true });
for (const name of ["locks", "serviceWorker", "storage"])
  Object.defineProperty(Navigator.prototype, name, { get: no, configurable: true });
window.BroadcastChannel = class { constructor() { no(); } };
window.IntersectionObserver = class { constructor() { no(); } };
window.ResizeObserver = class { constructor() { no(); } };
`;

inEveryEngine("where nothing may be stored a page is moved all the same", async (here) => {
  const { tab, shop, freshwire } = here;
  const { app, site } = await shop(A);
  withCode(site, FORBIDDEN);
  const page = await tab(site);
  await connected(page);
  await deploy(freshwire, app, site, B);
  await cardSays(page, REASON);
  await page.click(PRIMARY);
  await isRunning(page, B);
  expect(page.console().filter((line) => /malformed|failed/.test(line))).toEqual([]);
});

behaviour("where an API is missing altogether a page is moved all the same", async (here) => {
  const { tab, shop, freshwire } = here;
  const { app, site } = await shop(A);
  withCode(
    site,
    `for (const name of ["BroadcastChannel", "IntersectionObserver", "ResizeObserver", "PerformanceObserver", "requestIdleCallback"])
      delete window[name];
    for (const name of ["locks", "serviceWorker", "sendBeacon"])
      Object.defineProperty(Navigator.prototype, name, { value: undefined, configurable: true });`,
  );
  const page = await tab(site);
  await connected(page);
  await attentive(page);
  await deploy(freshwire, app, site, B);
  await cardSays(page, REASON);
  await page.click(PRIMARY);
  await isRunning(page, B);
});

/** Looks are refused, real loads aren't. */
const REFUSALS: [string, Partial<Site>][] = [
  ["is answered with 401", { lookIsAnswered: { status: 401 } }],
  ["is answered with 403", { lookIsAnswered: { status: 403 } }],
  ["meets a sign-in page without a mark", { lookIsAnswered: { status: 200 } }],
];

for (const [what, how] of REFUSALS) {
  behaviour(`a page whose look ${what} is moved, once for each build`, async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    Object.assign(site, how);
    await deploy(freshwire, app, site, B);
    await cardSays(page, REASON);
    await page.click(PRIMARY);
    await isRunning(page, B);
    expect(site.navigations).toBe(2);
  });

  behaviour(`a page whose look ${what}, for nothing, says so to its operator`, async (here) => {
    const { tab, shop, freshwire } = here;
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    Object.assign(site, how);
    await deploy(freshwire, app, site, B);
    site.deployed = A;
    await cardSays(page, REASON);
    await page.click(PRIMARY);
    await page.until("it has come back", () => performance.timeOrigin);
    await connected(page);
    await never("it is loaded again and again", () => site.navigations > 2, 2_000);
  });
}

behaviour(
  "a look that the page's own policy forbids is told to its operator, and a press goes on",
  async (here) => {
    const { tab, shop, freshwire } = here;
    const { app, site } = await shop(A);
    site.policy = `connect-src ${freshwire.origin} ${freshwire.origin.replace("http", "ws")}`;
    const page = await tab(site);
    await connected(page);
    await releaseNormally(freshwire, app, site, B);
    await page.evaluate(() => dispatchEvent(new Event("focus")));
    await freshwire.minimum(app, B, { action: "force" });
    await isRunning(page, B);
  },
);

inEveryEngine("a build that a template has encoded is recognised", async ({ tab, shop, freshwire }) => {
  const old: Build = { build: "1.0.0+b1", version: "1.0.0" };
  const next: Build = { build: "1.1.0+b2", version: "1.1.0" };
  const { app, site } = await shop(old);
  const { head } = site;
  site.head = (build) =>
    `<script>const page = '<meta name="freshwire-build" content="another">';</script>` +
    head(build).replace(/content="[^"]*"/, `content="${build.build.replace("+", "&#43;")}"`);
  const page = await tab(site);
  await connected(page);
  await deploy(freshwire, app, site, next);
  await cardSays(page, REASON);
  await page.click(PRIMARY);
  await isRunning(page, next);
  expect(site.navigations).toBe(2);
});

inEveryEngine("of several apps' marks in one document each page goes by its own", async (here) => {
  const { tab, shop, freshwire } = here;
  const { app, site } = await shop(A);
  const { head } = site;
  site.head = (build) =>
    `<meta name="freshwire-build" content="the-shell" /><meta name="freshwire-build" data-app="other" content="x" />` +
    head(build).replace("<meta ", `<meta data-app="${app}" `);
  const page = await tab(site);
  await connected(page);
  await freshwire.theSession(app, "on A", ({ build }) => build == A.build);
  await deploy(freshwire, app, site, B);
  await cardSays(page, REASON);
  await page.click(PRIMARY);
  await isRunning(page, B);
});

behaviour("an app may say where its mark is", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const { head } = site;
  site.head = (build) =>
    head(build)
      .replace(/<meta[^>]*>/, "")
      .replace("data-app", `data-build-of="x" data-look="/freshwire.json" data-build="${A.build}" data-app`)
      .replace(`data-build="${A.build}"`, `data-build="${build.build}"`);
  site.files["/freshwire.json"] = JSON.stringify({ app, build: A.build });
  const page = await tab(site);
  await connected(page);
  await deploy(freshwire, app, site, B);
  await cardSays(page, REASON);
  await page.click(PRIMARY);
  await never("it is loaded before the mark says so", () => site.navigations > 1, 1_000);
  site.files["/freshwire.json"] = JSON.stringify({ app, build: B.build });
  await page.click(PRIMARY);
  await isRunning(page, B);
});

aboutNavigation("a hash router's navigation is one", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(`${site.origin}/#/list`);
  await connected(page);
  await page.evaluate(() => {
    document.body.insertAdjacentHTML(
      "beforeend",
      `<a id="part" href="#end">End</a> <a id="one" href="#/one?x=1">One</a>`,
    );
  });
  await releaseNormally(freshwire, app, site, B);
  await page.until("it has looked", () =>
    performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/go.mjs")),
  );
  await userDoes(page, () => (location.hash = "#/list?page=2"));
  await never("the same view is loaded anew", () => site.navigations > 1, 700);
  await page.click("#one");
  await isRunning(page, B);
  expect(await page.evaluate(() => location.hash)).toBe("#/one?x=1");
});

aboutNavigation("where the user goes there is nothing to load: they go on within the app", async (here) => {
  const { tab, shop, freshwire } = here;
  const { app, site } = await shop(A);
  site.nothingAt = "/orders";
  const page = await tab(site);
  await connected(page);
  await releaseNormally(freshwire, app, site, B);
  await page.until("it has looked", () =>
    performance.getEntriesByType("resource").some(({ name }) => name == location.href),
  );
  await userDoes(page, () => history.pushState(null, "", "/orders"));
  await never("the page is loaded", () => site.navigations > 1, 1_500);
  await userDoes(page, () => history.pushState(null, "", "/elsewhere"));
  await isRunning(page, B);
});

inEveryEngine("what is scrolled within the page is where it was", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  withCode(
    site,
    `addEventListener("DOMContentLoaded", () => {
      document.querySelector("main").insertAdjacentHTML("beforeend",
        '<div id="log" style="height:100px;overflow:auto"><p style="height:2000px">…</p></div>' +
        '<section><div style="height:100px;overflow:auto"><p style="height:2000px">…</p></div></section>');
    });`,
  );
  const page = await tab(site);
  await connected(page);
  await page.evaluate(() => {
    document.querySelector("#log")!.scrollTop = 700;
    document.querySelector("section div")!.scrollTop = 300;
  });
  await deploy(freshwire, app, site, B);
  await cardSays(page, REASON);
  await page.click(PRIMARY);
  await isRunning(page, B);
  await page.until(
    "both are where they were",
    () =>
      document.querySelector("#log")!.scrollTop == 700 &&
      document.querySelector("section div")!.scrollTop == 300,
  );
});

behaviour("a snooze that a wrong clock has put years ahead is none", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await page.evaluate(
    (key) =>
      localStorage.setItem(
        key,
        JSON.stringify({ until: Date.now() + 4 * 365 * 86_400_000, action: 9, severity: 9 }),
      ),
    `freshwire:${app}:snooze`,
  );
  await freshwire.release(app, B, { severity: "important", over: "0s" });
  site.deployed = B;
  await cardSays(page, "new version");
});

/** An app as vite-plugin-pwa's autoUpdate writes it: every tab reloads by itself as soon as there is another worker. */
const withWorker = (site: Site) => {
  site.files["/sw.js"] = `const build = "${site.deployed.build}";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", () => {});`;
  withCode(
    site,
    `navigator.serviceWorker.register("/sw.js");
    let had = !!navigator.serviceWorker.controller;
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (had) location.reload();
      had = true;
    });
    freshwire.push((fresh) => fresh.keep("draft", () => document.querySelector("#note").value, (text) => {
      document.querySelector("#note").value = text;
    }));`,
  );
};

const controlled = () => !!navigator.serviceWorker.controller;
const note = () => document.querySelector<HTMLTextAreaElement>("#note")!.value;

behaviour(
  "a worker that reloads all tabs isn't woken while one of them holds",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withWorker(site);
    const [first, second] = [await tab(site), await tab(site)];
    for (const page of [first, second]) {
      await connected(page);
      await attentive(page);
      await page.until("it has a worker", controlled);
    }
    await second.reload();
    await first.front();
    await first.reload();
    for (const page of [second, first]) {
      await connected(page);
      await attentive(page);
    }
    await second.front();
    await second.type("#note", "ring twice");
    await first.front();
    // Browsers look for another worker a while after each load, by themselves.
    const asked = async () => site.asked.filter((path) => path == "/sw.js").length;
    await settled("nobody looks for a worker", asked, 3_000);
    const { navigations } = site;
    await deploy(freshwire, app, site, B);
    withWorkerOf(site, B);
    await cardSays(first, REASON);
    await first.click(PRIMARY);
    await until("it is held by the other", async () =>
      (await freshwire.sessions(app)).some(({ state, detail }) => state == "held" && detail == "another tab"),
    );
    await never("a tab is loaded anew", () => site.navigations > navigations, 2_000);
    expect(await second.evaluate(note)).toBe("ring twice");
    // What the app keeps goes along when nothing holds.
    await second.evaluate(() => (window as never as { freshwire: { saved(): void } }).freshwire.saved());
    await first.click(PRIMARY);
    await isRunning(first, B);
    await isRunning(second, B);
    await second.until(
      "its draft is there",
      () => document.querySelector<HTMLTextAreaElement>("#note")!.value == "ring twice",
    );
  },
);

function withWorkerOf(site: Site, { build }: Build) {
  site.files["/sw.js"] = String(site.files["/sw.js"]).replace(/build = "[^"]*"/, `build = "${build}"`);
}

behaviour(
  "a draft that the app keeps survives a reload of the app's own",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withCode(
      site,
      `freshwire.push((fresh) => {
      const restore = (text) => (document.querySelector("#note").value = text);
      fresh.keep("draft", () => document.querySelector("#note").value || undefined, restore);
    });`,
    );
    const page = await tab(site);
    await connected(page);
    await attentive(page);
    await page.type("#note", "ring twice");
    // A current page's user who reloads has what browsers give.
    await freshwire.release(app, B, { severity: "silent" });
    site.deployed = B;
    await page.until(
      "it is old",
      () =>
        (window as never as { freshwire: { status: { standing: string } } }).freshwire.status.standing ==
        "stale",
    );
    await page.until("what saves is there", () =>
      performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/go.mjs")),
    );
    await userDoes(page, () => location.assign("/orders"));
    await isRunning(page, B);
    await page.until(
      "the draft is there",
      () => document.querySelector<HTMLTextAreaElement>("#note")!.value == "ring twice",
    );
  },
);
