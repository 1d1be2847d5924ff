/** The card beside other people's dialogs, each with a draft in it: nothing that happens in the card reaches them. */

import { expect } from "vitest";
import { buildDialogs } from "../../apps/dialogs/build.mjs";
import { card, noCard } from "../src/engines/app.js";
import { behaviour, inEveryEngine, type Here } from "../src/engines/behaviour.js";
import { chromiumPage } from "../src/engines/cdp.js";
import type { Tab } from "../src/engines/engine.js";
import { PRIMARY, SECONDARY, attentive, cardSays, connected, isRunning } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import { seen, until } from "../src/until.js";

const NOW = { severity: "important", over: "0s" };
const DRAFT = "ring twice";

/** By name in tests/apps/dialogs: those with a draft in them. */
const DIALOGS = [
  ...["radix-dialog", "radix-popover", "mui-dialog", "mui-click-away", "headless-dialog"],
  ...["native-dialog", "native-popover", "focus-trap", "redrawn", "drawing"],
];

/** A page with this dialog open, something typed into it, and nothing from the server yet. */
async function open({ tab, shop }: Here, kind: string) {
  const { app, site } = await shop(A);
  site.files["/dialogs.js"] = await buildDialogs();
  const { head } = site;
  site.head = (build) => `<script type="module" src="/dialogs.js"></script>${head(build)}`;
  const page = await tab(site);
  await connected(page);
  await attentive(page);
  await page.until(
    "the dialog is open",
    (kind) => {
      dispatchEvent(new CustomEvent("open-dialog", { detail: kind }));
      return !!document.querySelector("#dialog");
    },
    kind,
  );
  return { app, site, page };
}

const EVENTS = [
  ...["pointer", "mouse"].flatMap((kind) =>
    ["down", "up", "move", "over", "out", "enter", "leave"].map((of) => kind + of),
  ),
  ...["click", "dblclick", "auxclick", "contextmenu", "wheel", "touchstart", "touchend", "touchmove"],
  ...["keydown", "keypress", "keyup", "focus", "blur", "focusin", "focusout", "copy", "cut", "paste"],
  ...["beforeinput", "input", "change", "dragstart", "selectstart"],
];

type Listening = { heard: string[]; ends?: AbortController };

/** The app listens in every way from now on, and no longer as before the card came, for what comes from the card and for focus that goes to it. */
const listen = (page: Tab) =>
  page.evaluate((types) => {
    const own = window as never as Listening;
    own.heard = [];
    own.ends?.abort();
    const { signal } = (own.ends = new AbortController());
    const note = (event: Event) => {
      const host = document.querySelector("[data-freshwire]");
      if (!host) return;
      const { type, relatedTarget } = event as FocusEvent;
      const key = (event as KeyboardEvent).key ?? "";
      const leaves = relatedTarget == host && /blur|focusout/.test(type);
      if (event.composedPath().includes(host) || leaves) own.heard.push(`${type} ${key}`.trim());
    };
    for (const type of types)
      for (const target of [document, window])
        for (const capture of [true, false]) target.addEventListener(type, note, { capture, signal });
  }, EVENTS);

const heard = (page: Tab) => page.evaluate(() => (window as never as Listening).heard.splice(0));

const focused = (page: Tab) =>
  page.evaluate(() => {
    const { activeElement } = document;
    return activeElement?.shadowRoot?.activeElement?.className || activeElement?.id || "";
  });

/** The dialog is as its user left it. */
const stays = (page: Tab) =>
  page.evaluate(() => {
    const dialog = document.querySelector<HTMLElement>("#dialog");
    return dialog && dialog.getClientRects().length > 0
      ? (document.querySelector<HTMLTextAreaElement>("#draft")?.value ?? "no draft")
      : "it is closed";
  });

/** Nothing around the card hides it from those who don't see it, or keeps them out; nor does anything throw it out. */
const reachable = (page: Tab, kind: string) =>
  page.until(
    "the card is hidden from nobody",
    (kind) => {
      const card = document.querySelector("[data-freshwire]")!;
      return (
        !card.closest("[aria-hidden=true],[inert]") && (kind != "redrawn" || card.parentNode == document.body)
      );
    },
    kind,
  );

/** From the draft; a dialog has some things between. */
async function tabToCard(page: Tab, first = "primary"): Promise<void> {
  await page.click("#draft");
  for (let presses = 0; presses < 12; presses++) {
    await page.press("Tab");
    if ((await focused(page)) == first) return;
  }
  throw new Error(`by Tab one never comes to the card, but to ${await focused(page)}`);
}

/** A known gap, whose cause isn't known. */
const NOT_YET = {
  except: { webkit: "once pressed, the card beside Radix has no words there: to be mended" },
};

for (const kind of DIALOGS) {
  const options = /radix-(dialog|popover)/.test(kind) ? NOT_YET : {};
  inEveryEngine(
    `beside ${kind} the card can be pressed, and nothing of it is lost`,
    options,
    async (here) => {
      const { freshwire } = here;
      const { app, site, page } = await open(here, kind);
      await page.type("#draft", DRAFT);
      await freshwire.release(app, B, NOW);
      await cardSays(page, "A new version is ready");
      await reachable(page, kind);
      await listen(page);
      expect(await focused(page)).toBe("draft");
      await page.click(SECONDARY);
      await noCard(page);
      expect(await stays(page)).toBe(DRAFT);
      expect(await focused(page)).toBe("draft");
      expect(await heard(page)).toEqual([]);

      // A graver one comes in spite of that 'Later'. Pressed, it waits for the draft that is still there.
      await freshwire.minimum(app, B);
      await cardSays(page, "CVE-2026-1234");
      await listen(page);
      await page.click(PRIMARY);
      await cardSays(page, "Refresh anyway");
      expect(await stays(page)).toBe(DRAFT);
      expect(await focused(page)).toBe("draft");
      expect(await heard(page)).toEqual([]);
      expect(site.navigations).toBe(1);
    },
  );

  inEveryEngine(`beside ${kind} the keyboard comes to the card, and its keys stay there`, async (here) => {
    const { freshwire } = here;
    const { app, site, page } = await open(here, kind);
    await page.type("#draft", DRAFT);
    await freshwire.release(app, B, NOW);
    await cardSays(page, "A new version is ready");
    await reachable(page, kind);
    await tabToCard(page);
    await listen(page);
    for (const key of ["Delete", "a", "ArrowDown"]) await page.press(key);
    expect(await stays(page)).toBe(DRAFT);
    await page.press("Escape");
    await noCard(page);
    expect(await stays(page)).toBe(DRAFT);
    expect(await heard(page)).toEqual([]);

    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    await reachable(page, kind);
    // Its handle comes first.
    await tabToCard(page, "handle");
    await page.press("Tab");
    await listen(page);
    await page.press("Enter");
    await cardSays(page, "Refresh anyway");
    expect(await stays(page)).toBe(DRAFT);
    expect(await heard(page)).toEqual([]);
    expect(site.navigations).toBe(1);
  });
}

inEveryEngine("beside radix-menu the card can be pressed, and the menu stays open", async (here) => {
  const { freshwire } = here;
  const { app, page } = await open(here, "radix-menu");
  await freshwire.release(app, B, NOW);
  await cardSays(page, "A new version is ready");
  await reachable(page, "radix-menu");
  await listen(page);
  await page.click(SECONDARY);
  await noCard(page);
  expect(await stays(page)).toBe("no draft");
  expect(await heard(page)).toEqual([]);
});

behaviour("within a dialog Tab goes on from the card, and back", async (here) => {
  const { freshwire } = here;
  for (const kind of ["radix-dialog", "mui-dialog", "headless-dialog"]) {
    const { app, page } = await open(here, kind);
    await freshwire.release(app, B, NOW);
    await cardSays(page, "A new version is ready");
    await tabToCard(page);
    await page.press("Tab");
    expect(await focused(page), kind).toBe("secondary");
    await page.press("Tab");
    await seen(
      `in ${kind} the focus has gone round`,
      () => focused(page),
      (at) => !/ary$/.test(at),
    );
    await tabToCard(page);
    await page.press("Shift+Tab");
    expect(await focused(page), kind).not.toMatch(/ary$/);
    expect(await page.evaluate(() => !!document.activeElement?.closest("#dialog, [role=dialog]")), kind).toBe(
      true,
    );
  }
});

behaviour("assistive technology is shown the card within each dialog", async (here) => {
  const { freshwire } = here;
  for (const kind of ["radix-dialog", "mui-dialog", "headless-dialog", "native-dialog"]) {
    const { app, page } = await open(here, kind);
    await freshwire.release(app, B, NOW);
    await cardSays(page, "A new version is ready");
    await reachable(page, kind);
    await until(`${kind} shows it`, async () =>
      JSON.stringify(await chromiumPage(page).accessibility.snapshot()).includes("Refresh now"),
    );
  }
});

inEveryEngine(
  "a dialog that closes gives the card back to the page, and takes no focus for it",
  async (here) => {
    const { freshwire } = here;
    const { app, site, page } = await open(here, "radix-dialog");
    await freshwire.release(app, B, NOW);
    site.deployed = B;
    await cardSays(page, "A new version is ready");
    const within = () => !!document.querySelector("[data-freshwire]")?.closest("#dialog");
    expect(await page.evaluate(within)).toBe(true);
    await page.click("#draft");
    await page.press("Escape");
    await page.until(
      "it stands in the page",
      () => document.querySelector("[data-freshwire]")?.parentNode == document.body,
    );
    await cardSays(page, "A new version is ready");
    expect(await focused(page)).not.toMatch(/ary$/);
    await page.click(PRIMARY);
    await isRunning(page, B);
  },
);

inEveryEngine("what the user does over the card but began in the app is the app's", async (here) => {
  const { freshwire, tab, shop } = here;
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await freshwire.release(app, B, NOW);
  await cardSays(page, "A new version is ready");
  // A key that went down in the app and comes up in the card, as Tab's does.
  await page.evaluate(() => {
    document.querySelector<HTMLElement>("#count")!.focus();
    const own = window as never as { keys: string[] };
    own.keys = [];
    for (const type of ["keydown", "keyup"])
      document.addEventListener(type, (event) => own.keys.push(`${type} ${(event as KeyboardEvent).key}`));
  });
  await page.press("Tab");
  expect(await focused(page)).toBe("primary");
  expect(await page.evaluate(() => (window as never as { keys: string[] }).keys)).toEqual([
    "keydown Tab",
    "keyup Tab",
  ]);
});

inEveryEngine(
  "a field is left, for the app, when the focus goes on from the card to another",
  async (here) => {
    const { freshwire, tab, shop } = here;
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, NOW);
    await cardSays(page, "A new version is ready");
    await page.evaluate(() => {
      const own = window as never as { told: string[] };
      own.told = [];
      const note = ({ type, target }: Event) => own.told.push(`${type} ${(target as HTMLElement).id}`);
      for (const type of ["focusin", "focusout"]) document.addEventListener(type, note);
      document.querySelector<HTMLElement>("#count")!.focus();
    });
    const told = () => page.evaluate(() => (window as never as { told: string[] }).told.splice(0));
    await page.press("Tab");
    expect(await focused(page)).toBe("primary");
    // Back where it was: nothing has happened.
    await page.press("Shift+Tab");
    expect(await focused(page)).toBe("count");
    expect(await told()).toEqual(["focusin count"]);
    await page.press("Tab");
    await page.evaluate(() => document.querySelector<HTMLElement>("#note")!.focus());
    expect(await told()).toEqual(["focusout count", "focusin note"]);
    expect(await card(page)).toContain("A new version is ready");
  },
);

behaviour("a page without a card has no listener of ours on its window", async (here) => {
  const { freshwire, tab, shop } = here;
  const { app, site } = await shop(A);
  site.files["/app.js"] = `{
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    window.bound = {};
    const ids = new Map();
    const key = (type, listener) => type + (ids.get(listener) ?? ids.set(listener, ids.size).size - 1);
    const name = (target, type) => target == window && /key|click|pointer|mouse|touch|focus|wheel/.test(type) && type;
    EventTarget.prototype.addEventListener = function (type, ...rest) {
      if (name(this, type)) window.bound[key(type, rest[0])] = 1;
      return addEventListener.call(this, type, ...rest);
    };
    EventTarget.prototype.removeEventListener = function (type, ...rest) {
      if (name(this, type)) delete window.bound[key(type, rest[0])];
      return removeEventListener.call(this, type, ...rest);
    };
  }
  ${String(site.files["/app.js"])}`;
  const page = await tab(site);
  await connected(page);
  await attentive(page);
  const bound = () => page.evaluate(() => (window as never as { bound: Record<string, number> }).bound);
  const before = await bound();
  await freshwire.release(app, B, NOW);
  await cardSays(page, "A new version is ready");
  expect(Object.keys(await bound()).length).toBeGreaterThan(Object.keys(before).length + 20);
  await page.click(SECONDARY);
  await noCard(page);
  // What moves the page has come meanwhile, and has a few of its own.
  expect(Object.keys(await bound()).length).toBeLessThan(Object.keys(before).length + 5);
});
