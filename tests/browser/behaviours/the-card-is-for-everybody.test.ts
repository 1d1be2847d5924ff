/** The card by keyboard, by ear, and by what axe knows of accessibility. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect } from "vitest";
import { card, noCard, withCode } from "../src/engines/app.js";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { chromiumPage, prefers } from "../src/engines/cdp.js";
import type { Tab } from "../src/engines/engine.js";
import {
  PRIMARY,
  SECONDARY,
  cardSays,
  connected,
  hold,
  isRunning,
  release,
  spoken,
} from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import { figure, seen, until } from "../src/until.js";

const NOW = { severity: "important", over: "0s" };
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ONCE = {
  except: { firefox: "axe judges the same card", webkit: "axe judges the same card" },
} as const;

/** What axe finds wrong with the card as it stands, light and dark. */
async function check(page: Tab, state: string, mustPass: string): Promise<void> {
  for (const scheme of ["light", "dark"] as const) {
    await prefers(page, scheme);
    const { violations, passes } = await page.evaluate(async () => {
      type Found = { id: string; nodes: { html: string }[] }[];
      const { axe } = window as never as {
        axe: { run(where: string): Promise<{ violations: Found; passes: Found }> };
      };
      const found = await axe.run("[data-freshwire]");
      return {
        violations: found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join()}`),
        passes: found.passes.map(({ id }) => id),
      };
    });
    expect(violations, `${state}, ${scheme}`).toEqual([]);
    expect(passes).toContain(mustPass);
  }
}

const clockIsThere = (page: Tab) =>
  page.until(
    "the clock is there",
    () => document.querySelector("[data-freshwire]")!.shadowRoot!.querySelector(".time")!.textContent,
  );

const LANGUAGES = { de: "Neue Version verfügbar", ar: "يتوفر إصدار جديد", ja: "" };

for (const [lang, title] of Object.entries(LANGUAGES)) {
  behaviour(
    `axe finds nothing on the card in ${lang}, light and dark`,
    ONCE,
    async ({ tab, shop, freshwire }) => {
      const { app, site } = await shop(A);
      site.head = (build) => spoken(lang) + site.tag(build);
      const page = await tab(site);
      await connected(page);
      await freshwire.release(app, B, NOW);
      await cardSays(page, title);
      expect(await page.evaluate(() => document.querySelector<HTMLElement>("[data-freshwire]")!.lang)).toBe(
        lang,
      );
      await chromiumPage(page).evaluate(AXE);
      // Of Arabic letters axe doesn't judge the contrast; the colours are those of all languages.
      const mustPass = lang == "ar" ? "aria-allowed-attr" : "color-contrast";
      await check(page, "prompt", mustPass);
      await freshwire.minimum(app, B);
      await cardSays(page, ":");
      await clockIsThere(page);
      await check(page, "countdown", mustPass);
    },
  );
}

behaviour(
  "axe finds nothing on any state of the card, light and dark",
  ONCE,
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await chromiumPage(page).evaluate(AXE);
    const fine = (state: string) => check(page, state, "color-contrast");
    await prefers(page, "light");
    await freshwire.release(app, B, NOW);
    await cardSays(page, "A new version is ready");
    const animation = () =>
      getComputedStyle(document.querySelector("[data-freshwire]")!.shadowRoot!.querySelector(".card")!)
        .animationName;
    // Its user wants nothing to move.
    expect(await page.evaluate(animation)).toBe("none");
    await fine("prompt");
    await freshwire.minimum(app, B);
    await clockIsThere(page);
    await fine("countdown");
    await hold(page, "a draft");
    await page.click(PRIMARY);
    await cardSays(page, "Waiting for");
    await fine("held");
    await release(page);
    await cardSays(page, "available here");
    await fine("unavailable");

    // Three times onto a document that is still old.
    site.looksLike = B;
    await reloadedBy(page, () => page.click(PRIMARY));
    await reloadedBy(page, () => refresh(page));
    await reloadedBy(page, () => refresh(page));
    expect(site.navigations).toBe(4);
    await chromiumPage(page).evaluate(AXE);
    await refresh(page);
    await cardSays(page, "couldn’t");
    await fine("failed");
    await page.click(SECONDARY);
    await noCard(page);
  },
);

const refresh = (page: Tab) =>
  page.evaluate(() => (window as never as { freshwire: { refresh(): void } }).freshwire.refresh());

/** Until this has led to another document, which is welcomed: a request for it doesn't yet end the one before. */
async function reloadedBy(page: Tab, act: () => Promise<unknown>): Promise<void> {
  const before = await page.evaluate(() => performance.timeOrigin);
  await act();
  await page.until("there is another document", (before) => performance.timeOrigin != before, before);
  await connected(page);
}

/** What has the focus: its class within the card, or its ID. */
const focused = (page: Tab) =>
  page.evaluate(() => {
    const { activeElement } = document;
    return activeElement?.shadowRoot?.activeElement?.className || activeElement?.id;
  });

inEveryEngine("the prompt steals no focus from somebody who types", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await page.click("#note");
  const text = "Please leave it with the neighbours";
  let typed = 0;
  const type = async () => {
    await page.press(text[typed % text.length]!);
    typed++;
  };
  while (typed < 5) await type();
  await freshwire.release(app, B, NOW);
  // A key after the other, until some came after the card.
  await until("the card is there", async () => {
    await type();
    return card(page);
  });
  for (const end = typed + 5; typed < end;) await type();
  const said = text.repeat(Math.ceil(typed / text.length)).slice(0, typed);
  expect(await page.evaluate(() => document.querySelector("textarea")!.value)).toBe(said);
  expect(await focused(page)).toBe("note");
  // Nor does it listen to keys that aren't meant for it.
  await page.press("Escape");
  expect(await card(page)).toContain("A new version is ready");
});

inEveryEngine(
  "the keyboard reaches the prompt, Escape puts it off, Enter refreshes",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    // The last thing before the card that can have the focus.
    const focus = () => page.evaluate(() => document.querySelector<HTMLElement>("#count")!.focus());
    await freshwire.release(app, B, NOW);
    site.deployed = B;
    await cardSays(page, "A new version is ready");
    await focus();
    await page.press("Tab");
    expect(await focused(page)).toBe("primary");
    await page.press("Tab");
    expect(await focused(page)).toBe("secondary");
    await page.press("Escape");
    await noCard(page);
    await freshwire.theSession(app, "snoozed", ({ outcome }) => outcome == "snoozed");

    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    await clockIsThere(page);
    await focus();
    await page.press("Tab");
    expect(await focused(page)).toBe("handle");
    // A countdown isn't put off by Escape but folded, and the focus is where it was.
    await page.press("Escape");
    expect(await card(page)).not.toContain("CVE-2026-1234");
    expect(await focused(page)).toBe("count");
    await page.press("Tab");
    await page.press("Enter");
    expect(await card(page)).toContain("CVE-2026-1234");
    await page.press("Tab");
    expect(await focused(page)).toBe("primary");
    // The clock ticks on without taking the focus away.
    const before = await clockIsThere(page);
    await seen(
      "it has ticked",
      () => clockIsThere(page),
      (time) => time != before,
    );
    expect(await focused(page)).toBe("primary");
    await page.press("Enter");
    await isRunning(page, B);
  },
);

inEveryEngine(
  "the live region is in place before it speaks, and doesn't chatter while the clock ticks",
  async ({ tab, shop, freshwire, engine }) => {
    const { app, site } = await shop(A);
    withCode(
      site,
      `window.spoken = [];
let heard;
new MutationObserver(() => {
  const region = document.querySelector("[data-freshwire]")?.shadowRoot?.querySelector("[role=status]");
  if (!region || region == heard) return;
  heard = region;
  const note = () => window.spoken.push({ text: region.textContent, at: performance.now() });
  note();
  new MutationObserver(note).observe(region, { childList: true, characterData: true, subtree: true });
}).observe(document, { childList: true, subtree: true });`,
    );
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    type Spoken = { text: string; at: number };
    const said = () => page.evaluate(() => (window as never as { spoken: Spoken[] }).spoken);
    await seen("it has spoken", said, ({ length }) => length > 1);
    const times = new Set<string>();
    await until("it has ticked a few times", async () => times.add(await clockIsThere(page)).size > 5);
    const [empty, first, ...more] = await said();
    expect(empty!.text).toBe("");
    expect(first!.text).toBe(
      "Security update ready. This version has a known security problem.\nThe page refreshes when the time is up. 5 minutes.",
    );
    expect(more).toEqual([]);
    figure(`the live region stood before it spoke, in ${engine.name}, for`, first!.at - empty!.at);
  },
);
