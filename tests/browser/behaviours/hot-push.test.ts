import { expect } from "vitest";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import type { Tab } from "../src/engines/engine.js";
import { Gate } from "../src/engines/gate.js";
import { connected, disconnected } from "../src/engines/snippet.js";
import { A, type Freshwire } from "../src/freshwire.js";
import { never, until } from "../src/until.js";

interface Push {
  push: number;
  topic: string;
  data: unknown;
}
interface Page {
  freshwire: { on(event: "push", listener: (push: Push) => void): void };
  pushed: Push[];
}

/** A handler in the head, which notes over all reloads what it was given. */
const HANDLER = `<script>
window.pushed = JSON.parse(localStorage.getItem("pushed") ?? "[]");
(window.freshwire ||= []).push((fresh) => fresh.on("push", (push) => {
  window.pushed.push(push);
  localStorage.setItem("pushed", JSON.stringify(window.pushed));
}));
</script>`;

const pushed = (tab: Tab) => tab.evaluate(() => (window as never as Page).pushed);

const push = (freshwire: Freshwire, app: string, topic: string, data: unknown) =>
  freshwire.done<{ push: number }>("POST", `/v1/apps/${app}/push`, { topic, data });

const tally = async (freshwire: Freshwire, app: string) =>
  (await freshwire.done<{ pushes: Record<string, number>[] }>("GET", `/v1/apps/${app}/pushes`)).pushes[0]!;

inEveryEngine(
  "a push reaches the app's handler once, not again after a lost connection or a reload",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const gate = await Gate.start(freshwire);
    site.head = (build) => HANDLER + site.tag(build).replace(freshwire.origin, gate.origin);
    const page = await tab(site);
    await connected(page);
    const { push: number } = await push(freshwire, app, "flags", { banner: "closed on Friday" });
    await until("it is handled", async () => (await tally(freshwire, app)).handled == 1);
    const once = [{ push: number, topic: "flags", data: { banner: "closed on Friday" } }];
    expect(await pushed(page)).toMatchObject(once);

    gate.cut();
    await disconnected(page);
    gate.heal();
    await connected(page);
    await page.reload();
    await connected(page);
    await never("it comes again", async () => (await pushed(page)).length > 1, 800);
    expect(await pushed(page)).toMatchObject(once);

    // What is new comes, and alone.
    await push(freshwire, app, "flags", { banner: "open again" });
    await until("the next one is there", async () => (await pushed(page)).length == 2);
    expect(page.errors()).toEqual([]);
  },
);

behaviour(
  "operators see which pages took a push, had nothing for it, or failed at it",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const taking = await tab(site);
    await connected(taking);
    await taking.evaluate(() => void (window as never as Page).freshwire.on("push", () => undefined));
    const failing = await tab(site);
    await connected(failing);
    await failing.evaluate(
      () =>
        void (window as never as Page).freshwire.on("push", () => {
          throw new Error("the app's own mistake");
        }),
    );
    const deaf = await tab(site);
    await connected(deaf);
    // The part that gives pushes to the app comes when the page is idle.
    await push(freshwire, app, "flags", { banner: true });
    await until("all three have said", async () => {
      const { handled, unhandled, failed } = await tally(freshwire, app);
      return handled! + unhandled! + failed! == 3;
    });
    expect(await tally(freshwire, app)).toMatchObject({ sessions: 3, handled: 1, unhandled: 1, failed: 1 });
    expect([...taking.errors(), ...failing.errors(), ...deaf.errors()]).toEqual([]);
  },
);

behaviour("a page that comes later gets the latest push of each topic", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  site.head = (build) => HANDLER + site.tag(build);
  await push(freshwire, app, "flags", 1);
  await push(freshwire, app, "flags", 2);
  await push(freshwire, app, "prices", 3);
  const page = await tab(site);
  await until("both topics are there", async () => (await pushed(page)).length == 2);
  expect((await pushed(page)).map(({ topic, data }) => [topic, data])).toEqual([
    ["flags", 2],
    ["prices", 3],
  ]);
});
