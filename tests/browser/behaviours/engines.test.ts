import { expect } from "vitest";
import { behaviour } from "../src/engines/behaviour.js";
import { A } from "../src/freshwire.js";

const visibility = () => document.visibilityState;
const kept = () => [document.cookie, localStorage.getItem("kept"), sessionStorage.getItem("kept")];

behaviour("a tab behind another is hidden, and in view again when it is fetched", async ({ tab, shop }) => {
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
});

behaviour(
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

behaviour("keys and presses are the user's own", async ({ tab, shop }) => {
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

behaviour(
  "a page without a network can fetch nothing and open no socket",
  async ({ tab, shop, freshwire }) => {
    const { site } = await shop(A);
    const page = await tab(site);
    const tries = (socket: string) =>
      Promise.all([
        fetch("/", { cache: "no-store" }).then(
          () => "fetched",
          () => "failed",
        ),
        new Promise<string>((resolve) => {
          const opened = new WebSocket(socket, "freshwire.v1");
          opened.onopen = () => resolve("opened");
          opened.onerror = () => resolve("failed");
        }),
      ]);
    const socket = `ws://${freshwire.address}/v1/connect`;
    expect(await page.evaluate(tries, socket)).toEqual(["fetched", "opened"]);
    await page.offline(true);
    expect(await page.evaluate(() => navigator.onLine)).toBe(false);
    expect(await page.evaluate(tries, socket)).toEqual(["failed", "failed"]);
    await page.offline(false);
    expect(await page.evaluate(tries, socket)).toEqual(["fetched", "opened"]);
  },
);
