/** Signs of being old: the server is told, a page that is current stays, one that is stale recovers. */

import { expect } from "vitest";
import { behaviour, inEveryEngine, type Here } from "../src/engines/behaviour.js";
import type { Tab } from "../src/engines/engine.js";
import { APP, Origin } from "../src/engines/origin.js";
import { plainShop } from "../src/engines/shops.js";
import { attentive, connected } from "../src/engines/snippet.js";
import { A, B, type Freshwire } from "../src/freshwire.js";
import { never, until } from "../src/until.js";

async function counted({ origin }: Freshwire, kind: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  return Number(new RegExp(`^freshwire_evidence_total\\{kind="${kind}"\\} (\\d+)`, "m").exec(text)?.[1] ?? 0);
}

async function open({ freshwire, tab }: Here): Promise<{ origin: Origin; page: Tab }> {
  const one = await plainShop.release(A);
  const origin = await Origin.start(freshwire);
  origin.deploy(one);
  await origin.register(one);
  const page = await tab(`${origin.url}/`);
  await connected(page);
  return { origin, page };
}

/** In the page. */
const SIGNS = {
  "a script that is gone": {
    kind: "asset_404",
    give: () => {
      const script = document.createElement("script");
      script.src = "/assets/gone-0123456789.js";
      document.body.append(script);
    },
  },
  "a style sheet that is gone": {
    kind: "asset_404",
    give: () => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = "/assets/gone-0123456789.css";
      document.head.append(link);
    },
  },
  "a dynamic import that fails": {
    kind: "chunk_error",
    give: () => {
      const script = document.createElement("script");
      script.textContent = 'import("/assets/gone-0123456789.js")';
      document.body.append(script);
    },
  },
  "an API that answers 426": {
    kind: "api_426",
    give: () => void fetch("/api/orders.json"),
  },
};

for (const [what, { kind, give }] of Object.entries(SIGNS)) {
  const except =
    kind == "api_426"
      ? { webkit: "this WebKit doesn't tell a resource's status; the app says it by evidence()" }
      : undefined;

  inEveryEngine(`${what} is counted, and a page that is current stays`, { except }, async (here) => {
    const { freshwire } = here;
    const { origin, page } = await open(here);
    origin.wrong = (path) => (path.startsWith("/api/") ? 426 : undefined);
    await page.evaluate(give);
    await until("it is counted", async () => (await counted(freshwire, kind)) == 1);
    await never("the page is reloaded", () => origin.navigations > 1, 1_000);
    expect(await freshwire.census(APP)).toEqual({ [A.build]: 1 });
    // Nothing else is made of it.
    for (const other of ["asset_404", "chunk_error", "api_426"]) {
      if (other != kind) expect(await counted(freshwire, other)).toBe(0);
    }
  });

  behaviour(`${what} makes a stale page recover`, { except }, async (here) => {
    const { freshwire } = here;
    const { origin, page } = await open(here);
    const two = await plainShop.release(B, { label: "Summer" });
    origin.wrong = (path) => (path.startsWith("/api/") ? 426 : undefined);
    origin.deploy(two);
    await origin.register(two, { severity: "silent" });
    await freshwire.theSession(APP, "stale", ({ standing }) => standing == "stale");
    await never("it is reloaded for nothing", () => origin.navigations > 1, 600);
    await page.evaluate(give);
    await freshwire.theSession(APP, "on B", ({ build }) => build == B.build);
    expect(await counted(freshwire, kind)).toBe(1);
    await never("the page is loaded once more", () => origin.navigations > 2, 600);
  });
}

behaviour("an app can say itself that it was refused, and the page recovers", async (here) => {
  const { freshwire } = here;
  const { origin, page } = await open(here);
  const two = await plainShop.release(B, { label: "Summer" });
  origin.deploy(two);
  await origin.register(two, { severity: "silent" });
  await freshwire.theSession(APP, "stale", ({ standing }) => standing == "stale");
  await page.evaluate(() => {
    const { freshwire } = window as never as { freshwire: { evidence(kind: string, detail: string): void } };
    freshwire.evidence("api_426", "/api/orders");
  });
  await freshwire.theSession(APP, "on B", ({ build }) => build == B.build);
  expect(await counted(freshwire, "api_426")).toBe(1);
});

behaviour("a stale page with unsaved input isn't moved by a sign of being old", async (here) => {
  const { freshwire } = here;
  const { origin, page } = await open(here);
  const two = await plainShop.release(B, { label: "Summer" });
  await attentive(page);
  await page.type("#note", "ring twice");
  origin.deploy(two);
  await origin.register(two, { severity: "silent" });
  await freshwire.theSession(APP, "stale", ({ standing }) => standing == "stale");
  await page.evaluate(SIGNS["a script that is gone"].give);
  await until("it is counted", async () => (await counted(freshwire, "asset_404")) == 1);
  await never("the page is reloaded", () => origin.navigations > 1, 1_500);
  expect(await page.evaluate(() => document.querySelector<HTMLTextAreaElement>("#note")!.value)).toBe(
    "ring twice",
  );
});

inEveryEngine("files of the new build that can't be loaded ahead are no sign of being old", async (here) => {
  const { freshwire } = here;
  const { origin, page } = await open(here);
  const two = await plainShop.release(B, { label: "Summer" });
  // Registered before it is deployed everywhere.
  await origin.register(two, { over: "0s" });
  await until("its module is asked for", () => origin.asked.includes(two.preload[0]!));
  await page.until("the link is there", () => !!document.querySelector("link[rel=modulepreload]"));
  await never("it is counted", async () => (await counted(freshwire, "asset_404")) > 0, 1_000);
  expect(origin.navigations).toBe(1);
});
