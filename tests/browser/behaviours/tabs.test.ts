import { expect } from "vitest";
import { card, deploy, noCard } from "../src/engines/app.js";
import { inEveryEngine } from "../src/engines/behaviour.js";
import type { Tab } from "../src/engines/engine.js";
import { PRIMARY, SECONDARY, cardSays, connected, hold, isRunning, release } from "../src/engines/snippet.js";
import { A, B, type Freshwire } from "../src/freshwire.js";
import { never, until } from "../src/until.js";

const cards = async (...tabs: Tab[]) => (await Promise.all(tabs.map(card))).filter(Boolean).length;

const refreshed = (freshwire: Freshwire, app: string, count: number) =>
  until(`${count} sessions are refreshed`, async () => {
    const sessions = await freshwire.sessions(app);
    return sessions.length == count && sessions.every(({ state }) => state == "refreshed");
  });

inEveryEngine("two tabs show one prompt: the one in view", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const one = await tab(site);
  await connected(one);
  const two = await tab(site);
  await connected(two);
  await deploy(freshwire, app, site, B);
  await cardSays(two, "CVE-2026-1234");
  await never("both show it", async () => (await cards(one, two)) > 1, 1_000);
  expect(await card(one)).toBe("");
});

inEveryEngine(
  "a tab that gets hidden lets go, and the next in view shows the prompt",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const one = await tab(site);
    await connected(one);
    const two = await tab(site);
    await connected(two);
    await deploy(freshwire, app, site, B);
    await cardSays(two, "CVE-2026-1234");
    await one.front();
    await cardSays(one, "CVE-2026-1234");
    await noCard(two);
    // And one that is closed leaves it to those that stay.
    await one.close();
    await two.front();
    await cardSays(two, "CVE-2026-1234");
  },
);

inEveryEngine(
  "a press in one tab refreshes them all, each when nothing holds it",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const free = await tab(site);
    await connected(free);
    const held = await tab(site);
    await connected(held);
    await hold(held, "call");
    const pressed = await tab(site);
    await connected(pressed);
    await deploy(freshwire, app, site, B);
    await cardSays(pressed, "CVE-2026-1234");
    await pressed.click(PRIMARY);
    await isRunning(pressed, B);
    await isRunning(free, B);
    await never("the one that holds is reloaded", () => site.navigations > 5, 700);
    await release(held);
    await isRunning(held, B);
    expect(site.navigations).toBe(6);
    await refreshed(freshwire, app, 3);
    expect(await freshwire.census(app)).toEqual({ [B.build]: 3 });
  },
);

inEveryEngine("what is put off in one tab is put off in all", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const one = await tab(site);
  await connected(one);
  const two = await tab(site);
  await connected(two);
  await freshwire.release(app, B, { severity: "important", over: "0s" });
  await cardSays(two, "A new version is ready");
  await two.click(SECONDARY);
  await noCard(two);
  await one.front();
  await never("it is shown there", () => card(one), 1_000);
  // Nor in one that is opened afterwards.
  const three = await tab(site);
  await connected(three);
  await never("it is shown in a new tab", () => card(three), 1_000);
});

inEveryEngine("tabs of one browser are sessions of their own", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  await connected(await tab(site));
  await connected(await tab(site));
  const sessions = await until("there are two", async () => {
    const found = await freshwire.sessions(app);
    return found.length == 2 && found;
  });
  expect(new Set(sessions.map(({ session }) => session)).size).toBe(2);
  await until(
    "one of them is in view",
    async () => (await freshwire.sessions(app, "visible=true")).length == 1,
  );
});
