import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { connected, isRunning, prompt, watch } from "../src/browser.js";
import { A, B } from "../src/freshwire.js";
import { figure, until } from "../src/until.js";
import { world } from "../src/world.js";

const here = world();
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds wrong with the card, and how many checks it passed. */
async function axe(page: Page): Promise<{ violations: string[]; passes: string[] }> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as never as {
      axe: {
        run(
          where: string,
        ): Promise<Record<"violations" | "passes", { id: string; nodes: { html: string }[] }[]>>;
      };
    };
    const { violations, passes } = await axe.run("[data-freshwire]");
    return {
      violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`),
      passes: passes.map(({ id }) => id),
    };
  });
}

const focused = (page: Page) =>
  page.evaluate(() => {
    const { activeElement } = document;
    return activeElement?.shadowRoot?.activeElement?.className ?? activeElement?.id;
  });

/** Until this has led to another document, which is welcomed: a request for it doesn't yet end the one before. */
async function reloadedBy(page: Page, act: () => Promise<unknown>): Promise<void> {
  const before = await page.evaluate(() => performance.timeOrigin);
  await act();
  await page.waitForFunction((before) => performance.timeOrigin != before, before);
  await connected(page);
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing wrong with any state of the card, in ${colorScheme}`, async () => {
    const { freshwire } = here;
    const { app, site } = await here.shop(A);
    const { page } = await here.open(site, { colorScheme, reducedMotion: "reduce" });
    await connected(page);
    const { card, title, body, primary, secondary, time } = prompt(page);
    const checked: string[] = [];
    const check = async (state: string) => {
      const { violations, passes } = await axe(page);
      expect(violations, state).toEqual([]);
      expect(passes).toContain("color-contrast");
      checked.push(state);
    };

    await freshwire.release(app, B, { severity: "important", over: "0s" });
    await card.waitFor();
    expect(await card.evaluate((element) => getComputedStyle(element).animationName)).toBe("none");
    await check("prompt");
    await freshwire.minimum(app, B);
    await time.filter({ hasText: ":" }).waitFor();
    await check("countdown");
    await page.evaluate(() => {
      const own = window as never as { freshwire: { hold(why: string): () => void }; undo: () => void };
      own.undo = own.freshwire.hold("a draft");
    });
    await primary.click();
    await body.filter({ hasText: "Waiting for" }).waitFor();
    await check("held");
    await page.evaluate(() => (window as never as { undo: () => void }).undo());
    await body.filter({ hasText: "available here" }).waitFor();
    await check("unavailable");
    site.looksLike = B;
    await reloadedBy(page, () => primary.click());
    const refresh = () =>
      page.evaluate(() => (window as never as { freshwire: { refresh(): void } }).freshwire.refresh());
    await reloadedBy(page, refresh);
    await reloadedBy(page, refresh);
    expect(site.navigations).toBe(4);
    await refresh();
    await title.filter({ hasText: "couldn’t" }).waitFor();
    await check("failed");
    await secondary.click();
    await card.waitFor({ state: "detached" });
    figure(`states of the card that axe passed, in ${colorScheme}`, checked.length, "");
  });
}

test("the prompt steals no focus from somebody who types", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  await page.focus("#note");
  const text = "Please leave it with the neighbours, they are always in on Thursdays.";
  const typing = page.keyboard.type(text, { delay: 30 });
  await freshwire.release(app, B, { severity: "important", over: "0s" });
  await prompt(page).card.waitFor();
  await typing;
  expect(await page.inputValue("#note")).toBe(text);
  expect(await focused(page)).toBe("note");
  // Nor does it listen to keys that aren't meant for it.
  await page.keyboard.press("Escape");
  expect(await prompt(page).card.isVisible()).toBe(true);
});

test("the keyboard reaches the prompt, Escape puts it off, Enter refreshes", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  await freshwire.release(app, B, { severity: "important", over: "0s" });
  site.deployed = B;
  const { card, time } = prompt(page);
  await card.waitFor();
  await page.focus("#count");
  await page.keyboard.press("Tab");
  expect(await focused(page)).toBe("primary");
  await page.keyboard.press("Tab");
  expect(await focused(page)).toBe("secondary");
  await page.keyboard.press("Escape");
  await card.waitFor({ state: "detached" });
  await freshwire.theSession(app, "snoozed", ({ outcome }) => outcome == "snoozed");

  await freshwire.minimum(app, B);
  await time.filter({ hasText: ":" }).waitFor();
  await page.focus("#count");
  await page.keyboard.press("Tab");
  // The countdown's second thoughts are its own button, so that no Escape loses them.
  await page.keyboard.press("Escape");
  expect(await card.isVisible()).toBe(true);
  // The clock ticks on without taking the focus away.
  const before = await time.innerText();
  await until("it has ticked", async () => (await time.innerText()) != before);
  expect(await focused(page)).toBe("primary");
  await page.keyboard.press("Enter");
  await isRunning(page, B);
});

test("the live region is in place before it speaks, and doesn't chatter while the clock ticks", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const context = await here.browser.newContext();
  await context.addInitScript(() => {
    const own = window as never as { spoken: { text: string; at: number }[] };
    own.spoken = [];
    let heard: Element | undefined;
    new MutationObserver(() => {
      const region = document.querySelector("[data-freshwire]")?.shadowRoot?.querySelector("[role=status]");
      if (!region || region == heard) return;
      heard = region;
      const note = () => own.spoken.push({ text: region.textContent ?? "", at: performance.now() });
      note();
      new MutationObserver(note).observe(region, { childList: true, characterData: true, subtree: true });
    }).observe(document, { childList: true, subtree: true });
  });
  const { page } = watch(await context.newPage());
  await page.goto(`${site.origin}/`);
  await connected(page);
  await freshwire.release(app, B, { severity: "silent" });
  await freshwire.minimum(app, B);
  const spoken = () =>
    page.evaluate(() => (window as never as { spoken: { text: string; at: number }[] }).spoken);
  await until("it has spoken", async () => (await spoken()).length > 1);
  const { time } = prompt(page);
  const times = new Set<string>();
  await until("it has ticked a few times", async () => times.add(await time.innerText()).size > 5);
  const [empty, said, ...more] = await spoken();
  expect(empty!.text).toBe("");
  expect(said!.text).toBe(
    "Security update ready. This version has a known security problem.\nThe page refreshes when the time is up. 5 minutes.",
  );
  expect(more).toEqual([]);
  figure("the live region stood before it spoke for", said!.at - empty!.at);
});

test("above an open modal dialog the prompt can still be pressed", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  await page.evaluate(() => {
    const dialog = document.createElement("dialog");
    dialog.append("Are you sure?");
    document.body.append(dialog);
    dialog.showModal();
  });
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  await freshwire.minimum(app, B);
  await prompt(page).primary.click();
  await isRunning(page, B);
});
