import { expect, inject, test } from "vitest";
import { asked } from "../src/engines/asked.js";
import { aboutNavigation, inEveryEngine, runs } from "../src/engines/behaviour.js";
import { ENGINES, type EngineName } from "../src/engines/engine.js";
import { Gate } from "../src/engines/gate.js";
import { A } from "../src/freshwire.js";
import { never } from "../src/until.js";

const visibility = () => document.visibilityState;
const kept = () => [document.cookie, localStorage.getItem("kept"), sessionStorage.getItem("kept")];

inEveryEngine(
  "a tab behind another is hidden, and in view again when it is fetched",
  async ({ tab, shop }) => {
    const { site } = await shop(A);
    const one = await tab(site);
    expect(await one.evaluate(visibility)).toBe("visible");
    const two = await tab(site);
    await one.until("the first is hidden", () => document.visibilityState == "hidden");
    expect(await two.evaluate(visibility)).toBe("visible");
    await one.front();
    await one.until("the first is in view", () => document.visibilityState == "visible");
    await two.until("the second is hidden", () => document.visibilityState == "hidden");
    await one.close();
    await two.front();
    await two.until("the second is in view", () => document.visibilityState == "visible");
  },
);

inEveryEngine(
  "two tabs share cookies and storage, and two users share nothing",
  async ({ tab, shop, profile }) => {
    const { site } = await shop(A);
    const one = await tab(site);
    await one.evaluate(() => {
      document.cookie = "kept=yes";
      localStorage.setItem("kept", "yes");
      sessionStorage.setItem("kept", "yes");
    });
    expect(await (await tab(site)).evaluate(kept)).toEqual(["kept=yes", "yes", null]);
    expect(await (await one.duplicate()).evaluate(kept)).toEqual(["kept=yes", "yes", "yes"]);
    const other = await (await profile()).tab(`${site.origin}/`);
    expect(await other.evaluate(kept)).toEqual(["", null, null]);
  },
);

inEveryEngine("keys and presses are the user's own", async ({ tab, shop }) => {
  const { site } = await shop(A);
  const page = await tab(site);
  await page.evaluate(() => {
    const seen = ((window as never as { seen: string[] }).seen = []) as string[];
    for (const type of ["input", "click", "keydown"]) {
      addEventListener(type, (event) => {
        seen.push(`${type} ${event.isTrusted} ${event instanceof KeyboardEvent ? event.key : ""}`.trim());
      });
    }
  });
  await page.type("#note", "Hö");
  await page.press("Shift+Tab");
  expect(await page.evaluate(() => document.querySelector("textarea")!.value)).toBe("Hö");
  const seen = await page.evaluate(() => (window as never as { seen: string[] }).seen);
  expect(seen).toContain("click true");
  expect(seen.filter((what) => what == "input true")).toHaveLength(2);
  expect(seen.at(-2)).toBe("keydown true Shift");
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("A");
});

const tries = (server: string) =>
  Promise.all([
    fetch(`${server}/freshwire.mjs`, { cache: "no-store" }).then(
      () => "fetched",
      () => "failed",
    ),
    new Promise<string>((resolve) => {
      const opened = new WebSocket(`${server.replace("http", "ws")}/v1/connect`, "freshwire.v1");
      opened.onopen = () => resolve("opened");
      opened.onerror = () => resolve("failed");
    }),
  ]);

inEveryEngine(
  "behind a cable that is pulled a page can fetch nothing and open no socket, and those that are open stay so",
  async ({ tab, shop, freshwire }) => {
    const { site } = await shop(A);
    const gate = await Gate.start(freshwire);
    const page = await tab(site);
    const connection = () => (window as never as { open: WebSocket }).open.readyState;
    await page.evaluate((server) => {
      const open = new WebSocket(`${server.replace("http", "ws")}/v1/connect`, "freshwire.v1");
      Object.assign(window, { open });
      return new Promise<void>((resolve) => (open.onopen = () => resolve()));
    }, gate.origin);
    expect(await page.evaluate(tries, gate.origin)).toEqual(["fetched", "opened"]);
    gate.unplug();
    // It would be told by a closed connection.
    await freshwire.kill();
    expect(await page.evaluate(tries, gate.origin)).toEqual(["failed", "failed"]);
    await never("the open one hears of it", async () => (await page.evaluate(connection)) != 1, 500);
    await freshwire.restart();
    gate.heal();
    await page.until("it hears of it", () => (window as never as { open: WebSocket }).open.readyState > 1);
    expect(await page.evaluate(tries, gate.origin)).toEqual(["fetched", "opened"]);
  },
);

const WITHOUT: EngineName[] = ["firefox-without-navigation"];

aboutNavigation("what a look into the engine has shown of the Navigation API is so", async (here) => {
  const { engine, tab, shop } = here;
  const page = await tab((await shop(A)).site);
  const has = await page.evaluate(() => "navigation" in window);
  expect(has).toBe(!WITHOUT.includes(engine.name) && inject("looked")[engine.name]?.navigation);
});

/** Where all are asked for; ENGINES may leave either out. */
const all = asked.length == ENGINES.length;

test.runIf(all)("some engine has the Navigation API, and another lacks it", () => {
  const looked = inject("looked");
  expect(looked.chromium).toMatchObject({ navigation: true });
  // That this one lacks it, whatever plain Firefox has, is shown above.
  expect(runs("firefox-without-navigation") || looked.firefox?.navigation === false).toBe(true);
});
