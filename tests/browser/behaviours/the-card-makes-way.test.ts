/** The card of a countdown is there for minutes: what is under it can be reached, and all of it in the smallest viewport. */

import { expect } from "vitest";
import { put } from "../src/engines/app.js";
import { behaviour, inEveryEngine, type Here } from "../src/engines/behaviour.js";
import { chromiumPage, prefers } from "../src/engines/cdp.js";
import { pass, withStillClock } from "../src/engines/clock.js";
import type { Tab } from "../src/engines/engine.js";
import { PRIMARY, SECONDARY, cardSays, connected, hold } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";

const HANDLE = "[data-freshwire] >> .handle";
const ONLY = {
  except: { firefox: "it is about the size alone", webkit: "it is about the size alone" },
} as const;

/** A page with this on it, and a countdown of five minutes. */
async function counting({ tab, shop, freshwire }: Here, html = "", size?: { width: number; height: number }) {
  const { app, site } = await shop(A);
  const page = await tab(site);
  if (size) await chromiumPage(page).setViewport(size);
  await connected(page);
  await put(page, html);
  await freshwire.release(app, B, { severity: "silent" });
  await freshwire.minimum(app, B, { countdown: "5m" });
  await cardSays(page, "CVE-2026-1234");
  return { app, site, page };
}

/** Its pages' time passes only when the test says so. */
const stillShop =
  ({ shop }: Here): Here["shop"] =>
  async (build) => {
    const made = await shop(build);
    withStillClock(made.site);
    return made;
  };

const folded = (page: Tab) =>
  page.evaluate(() => !!document.querySelector("[data-freshwire]")!.shadowRoot!.querySelector(".folded"));

/** That the button can be pressed. */
const reachable = (page: Tab, selector: string) =>
  page.until(
    `${selector} isn't covered`,
    (selector) => {
      const button = document.querySelector(selector)!;
      const { left, top, width, height } = button.getBoundingClientRect();
      return document.elementFromPoint(left + width / 2, top + height / 2) == button;
    },
    selector,
  );

inEveryEngine(
  "a countdown's card folds into its clock, and unfolds for its last twenty seconds",
  async (here) => {
    const { page } = await counting({ ...here, shop: stillShop(here) });
    await page.click(HANDLE);
    expect(await folded(page)).toBe(true);
    expect(await cardSays(page, "5:00")).not.toContain("Refresh now");
    await pass(page, 200_000);
    expect(await folded(page)).toBe(true);
    await pass(page, 81_000);
    expect(await cardSays(page, "0:1")).toContain("Refresh now");
    expect(await folded(page)).toBe(false);
  },
);

behaviour("what was folded stays so, and unfolded it says what its end will wait for", async (here) => {
  const { page } = await counting(here);
  await page.click(HANDLE);
  await hold(page, "a draft");
  expect(await folded(page)).toBe(true);
  await page.click(HANDLE);
  await cardSays(page, "the page waits for “a draft”, 10 minutes at most");
});

const BARS = {
  "a bar with Save in it": `<div style="position:fixed;inset:auto 0 0;padding:12px;text-align:right;background:#ddd"><button id="bar">Save</button></div>`,
  "a cookie banner in the same corner": `<div style="position:fixed;right:10px;bottom:10px;padding:30px;background:#ddd"><button id="bar">Accept</button></div>`,
};

for (const [what, html] of Object.entries(BARS)) {
  inEveryEngine(`the card stands elsewhere where it would cover ${what}`, async (here) => {
    const { page } = await counting(here, html);
    await reachable(page, "#bar");
    await page.click(PRIMARY);
  });
}

behaviour("at 360 × 640 the navigation at the bottom can be pressed", ONLY, async (here) => {
  const nav = ["Home", "Search", "Orders"]
    .map((name) => `<a href="/${name}" id="${name}">${name}</a>`)
    .join(" ");
  const html = `<nav style="position:fixed;inset:auto 0 0;padding:16px;background:#ddd">${nav}</nav>`;
  const { page } = await counting(here, html, { width: 360, height: 640 });
  for (const name of ["Home", "Search", "Orders"]) await reachable(page, `#${name}`);
});

behaviour(
  "at 320 × 256, which is 400 % zoom, all of the card is reached by scrolling",
  ONLY,
  async (here) => {
    const { page } = await counting(here, "", { width: 320, height: 256 });
    await hold(page, "a draft with a rather long name");
    await cardSays(page, "a rather long name");
    const seen = (selector: string) =>
      page.evaluate((selector) => {
        const element = document.querySelector("[data-freshwire]")!.shadowRoot!.querySelector(selector)!;
        element.scrollIntoView({ block: "nearest" });
        const { top, bottom, left, right } = element.getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth;
      }, selector);
    for (const selector of ["h2", ".time", ".handle", ".primary", ".secondary"])
      expect(await seen(selector), selector).toBe(true);
    await page.click(SECONDARY);
  },
);

behaviour("a recall isn't called new", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  await freshwire.release(app, B);
  site.deployed = B;
  const page = await tab(site);
  await connected(page);
  const recall = { build: A.build, recall: true, action: "prompt", over: "0s" };
  await freshwire.done("PUT", `/v1/apps/${app}/current`, recall);
  await cardSays(page, "We’ve gone back to an earlier version");
});

behaviour("the page's own colour scheme goes before the system's", ONLY, async (here) => {
  const { page } = await counting(here);
  const background = () =>
    page.evaluate(
      () =>
        getComputedStyle(document.querySelector("[data-freshwire]")!.shadowRoot!.querySelector(".card")!)
          .backgroundColor,
    );
  const becomes = (colour: string, scheme: string) =>
    page.until(
      `the card is ${colour}, as ${scheme} has it`,
      (colour, scheme) => {
        document.documentElement.style.colorScheme = scheme;
        const card = document.querySelector("[data-freshwire]")!.shadowRoot!.querySelector(".card")!;
        return getComputedStyle(card).backgroundColor == colour;
      },
      colour,
      scheme,
    );
  const [light, dark] = ["rgb(255, 255, 255)", "rgb(28, 32, 41)"] as const;
  await prefers(page, "light");
  expect(await background()).toBe(light);
  await becomes(dark, "dark");
  await prefers(page, "dark");
  await becomes(light, "light");
  await becomes(dark, "light dark");
});
