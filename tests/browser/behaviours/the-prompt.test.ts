import { expect } from "vitest";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { connectWith, noted } from "../src/engines/connected-by-hand.js";
import type { Tab } from "../src/engines/engine.js";
import { Gate, gated } from "../src/engines/gate.js";
import { PRIMARY, cardSays, connected, isRunning, spoken, works } from "../src/engines/snippet.js";
import { WITNESS, testimony } from "../src/engines/witness.js";
import { A, B } from "../src/freshwire.js";
import { hasActed } from "../src/parts.js";
import { never, until } from "../src/until.js";

const NOW = { severity: "important", over: "0s" };

/** How the card stands: its language, its direction, and on which side its words begin. */
const stands = (tab: Tab) =>
  tab.evaluate(() => {
    const host = document.querySelector<HTMLElement>("[data-freshwire]")!;
    const card = host.shadowRoot!.querySelector(".card")!;
    const dot = host.shadowRoot!.querySelector(".dot")!.getBoundingClientRect();
    const { left, right } = card.getBoundingClientRect();
    return {
      lang: host.lang,
      direction: getComputedStyle(card).direction,
      begins: dot.left - left < right - dot.right ? "left" : "right",
      stands: left > innerWidth - right ? "right" : "left",
    };
  });

const LANGUAGES = [
  {
    lang: "de-AT",
    tag: "de",
    words: "Neue Version verfügbar",
    direction: "ltr",
    begins: "left",
    stands: "right",
  },
  { lang: "ar", tag: "ar", words: "يتوفر إصدار جديد", direction: "rtl", begins: "right", stands: "left" },
];

for (const { lang, tag, words, ...how } of LANGUAGES) {
  behaviour(`a page in ${lang} is spoken to in its language`, async ({ tab: open, shop, freshwire }) => {
    const { app, site } = await shop(A);
    site.head = (build) => spoken(lang) + site.tag(build);
    const page = await open(site);
    await connected(page);
    await freshwire.release(app, B, NOW);
    await cardSays(page, words);
    expect(await stands(page)).toEqual({ lang: tag, ...how });
    expect(page.errors()).toEqual([]);
  });
}

behaviour("the app's own words go before the language's", async (here) => {
  const { tab, shop, freshwire } = here;
  const made = await shop(A);
  connectWith(made, freshwire.origin, 'locale: "de", text: { title: "Frischer Tee ist da" }');
  const page = await tab(made.site);
  await connected(page);
  await freshwire.release(made.app, B, NOW);
  const said = await cardSays(page, "Frischer Tee ist da");
  expect(said).toContain("Jetzt aktualisieren");
});

behaviour(
  "an app's own prompt is given what the card would show, and its press moves the page",
  async (here) => {
    const { tab, shop, freshwire } = here;
    const made = await shop(A);
    connectWith(
      made,
      freshwire.origin,
      "prompt: (view) => { window.view = view; note(view && { title: view.title, label: view.primary?.label }); }",
    );
    const page = await tab(made.site);
    await connected(page);
    await freshwire.release(made.app, B, NOW);
    made.site.deployed = B;
    await until("it is shown", async () => (await noted(page)).length > 0);
    expect((await noted(page))[0]).toEqual({ title: "A new version is ready", label: "Refresh now" });
    expect(await page.evaluate(() => document.querySelectorAll("[data-freshwire]").length)).toBe(0);
    await freshwire.theSession(made.app, "shown it", ({ outcome }) => outcome == "shown");
    await page.evaluate(() =>
      (window as never as { view: { primary: { press(): void } } }).view.primary.press(),
    );
    await isRunning(page, B);
  },
);

behaviour("where the app's own prompt throws, the card is shown", async (here) => {
  const { tab, shop, freshwire } = here;
  const made = await shop(A);
  connectWith(made, freshwire.origin, 'prompt() { throw new Error("the app’s own mistake"); }');
  const page = await tab(made.site);
  await connected(page);
  await freshwire.release(made.app, B, NOW);
  made.site.deployed = B;
  await cardSays(page, "A new version is ready");
  const { lines, errors } = await testimony(page);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/options\.prompt failed.*the app’s own mistake/);
  expect(errors).toEqual([]);
  await page.click(PRIMARY);
  await isRunning(page, B);
});

inEveryEngine(
  "above an open modal dialog the card can be reached, and when that is closed, too",
  async (here) => {
    const { tab, shop, freshwire } = here;
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await page.evaluate(() => {
      const dialog = document.createElement("dialog");
      dialog.append("Are you sure?", document.createElement("button"));
      document.body.append(dialog);
      dialog.showModal();
    });
    await freshwire.release(app, B, NOW);
    site.deployed = B;
    await cardSays(page, "A new version is ready");
    const inside = () => !!document.querySelector("[data-freshwire]")?.closest("dialog");
    expect(await page.evaluate(inside)).toBe(true);
    await page.evaluate(() => document.querySelector("dialog")!.close());
    await page.until(
      "it stands in the page",
      () => !document.querySelector("[data-freshwire]")?.closest("dialog"),
    );
    await cardSays(page, "A new version is ready");
    await page.evaluate(() => document.querySelector("dialog")!.showModal());
    await page.until(
      "it stands in the dialog",
      () => !!document.querySelector("[data-freshwire]")?.closest("dialog"),
    );
    await page.click(PRIMARY);
    await isRunning(page, B);
  },
);

behaviour("?freshwire=preview shows every state, only where the app allows it", async (here) => {
  const { tab, shop } = here;
  const { site } = await shop(A);
  const page = await tab(`${site.origin}/?freshwire=preview`);
  await connected(page);
  const shown = () => document.querySelector("dialog[aria-label='Freshwire preview']") != null;
  await never("the preview is shown", () => page.evaluate(shown), 1_500);

  site.head = (build) => site.tag(build).replace("data-app", 'data-preview="true" data-app');
  await page.goto(`${site.origin}/`);
  await connected(page);
  expect(await page.evaluate(shown)).toBe(false);
  await page.goto(`${site.origin}/?freshwire=preview`);
  await page.until("the preview is shown", shown);
  const states = await page.until("there are cards", () => {
    const root = document.querySelector("dialog[aria-label='Freshwire preview'] > div")?.shadowRoot;
    const cards = root?.querySelectorAll("main > section").length ?? 0;
    return cards > 5 && cards;
  });
  expect(states).toBeGreaterThanOrEqual(9);
  expect(page.errors()).toEqual([]);
});

behaviour("the preview needs no server", async (here) => {
  const { tab, shop, freshwire } = here;
  const { site } = await shop(A);
  const gate = await Gate.start(freshwire);
  gate.refusesSockets = true;
  // Its own files are all that there is.
  gate.lacks = /\/poll/;
  site.head = (build) =>
    site
      .tag(build)
      .replace(freshwire.origin, gate.origin)
      .replace("data-app", 'data-preview="true" data-app');
  const page = await tab(`${site.origin}/?freshwire=preview`);
  await page.until(
    "the preview is shown",
    () => !!document.querySelector("dialog[aria-label='Freshwire preview']"),
  );
});

const PARTS_LACKING: Record<string, (gate: Gate) => void> = {
  "isn't there": (gate) => (gate.lacks = /prompt\.mjs/),
  "breaks off": (gate) => (gate.drops = /\/v1\/client\//),
};

for (const [what, lack] of Object.entries(PARTS_LACKING)) {
  inEveryEngine(
    `a plain line takes the card's place where its code ${what}, and the app goes on`,
    async (here) => {
      const { tab, freshwire } = here;
      const { app, site, gate } = await gated(here, WITNESS);
      const page = await tab(site);
      await connected(page);
      // The part that draws the line.
      await page.until("the first part is there", hasActed);
      lack(gate);
      await freshwire.release(app, B, NOW);
      await page.until("the line says it", () =>
        [...document.querySelectorAll("[role=status]")].some(({ textContent }) =>
          textContent?.includes("New version: please reload this page."),
        ),
      );
      const session = await freshwire.theSession(app, "failed", ({ outcome }) => outcome == "failed");
      expect(session.detail).toBe("part_not_loaded");
      expect(await page.evaluate(() => !!document.querySelector("[data-freshwire]"))).toBe(false);
      await works(page);
      site.deployed = B;
      await page.reload();
      await isRunning(page, B);
      await freshwire.theSession(app, "on B", ({ standing }) => standing == "current");
      expect((await testimony(page)).errors).toEqual([]);
      expect(page.errors()).toEqual([]);
    },
  );
}

behaviour(
  "nothing on the page moves when the card comes and goes",
  { except: { firefox: "it measures no layout shift", webkit: "it measures no layout shift" } },
  async (here) => {
    const { tab, shop, freshwire } = here;
    const { app, site } = await shop(A);
    const page = await tab(site);
    await page.evaluate(() => {
      const own = window as never as { shifts: number[] };
      own.shifts = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) own.shifts.push((entry as never as { value: number }).value);
      }).observe({ type: "layout-shift", buffered: true });
    });
    await connected(page);
    await freshwire.release(app, B, NOW);
    await cardSays(page, "A new version is ready");
    const top = await page.evaluate(() => document.querySelector("h1")!.getBoundingClientRect().top);
    await page.click("[data-freshwire] >> .secondary");
    await page.until("the card is gone", () => !document.querySelector("[data-freshwire]"));
    // Two frames later all shifts are known.
    await page.evaluate(
      () => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))),
    );
    expect(await page.evaluate(() => (window as never as { shifts: number[] }).shifts)).toEqual([]);
    expect(await page.evaluate(() => document.querySelector("h1")!.getBoundingClientRect().top)).toBe(top);
  },
);
