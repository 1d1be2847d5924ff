/** Two nodes on one NATS: an operator at one of them, a page at the other. */

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Balancer } from "../src/balancer.js";
import { connected, isRunning, launch, notices, open, prompt } from "../src/browser.js";
import { A, B, Freshwire } from "../src/freshwire.js";
import { Nats } from "../src/nats.js";
import { Site } from "../src/site.js";
import { figure, never, until } from "../src/until.js";

const APP = "shop";
let nats: Nats;
let one: Freshwire;
let two: Freshwire;
let balancer: Balancer;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  [nats, browser] = await Promise.all([Nats.start(), launch()]);
  const node = (name: string) => Freshwire.start("--nats", nats.url, "--node", name);
  [one, two] = await Promise.all([node("one"), node("two")]);
  balancer = await Balancer.start([two.address, one.address]);
  site = await Site.start(APP, A, balancer.origin);
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await balancer?.stop();
  await Promise.all([one?.stop(), two?.stop()]);
  await nats?.stop();
});

/** Connected and away, in all. */
async function counted(freshwire: Freshwire): Promise<[number, number]> {
  const rows = await freshwire.rows(APP);
  const sum = (of: "sessions" | "away") => rows.reduce((sum, row) => sum + row[of], 0);
  return [sum("sessions"), sum("away")];
}

test("a page on one node is moved by an operator on another, and finds that one when its own is killed", async () => {
  for (const node of [one, two]) {
    await until("the node is ready", async () => (await node.call("GET", "/readyz")).status == 200);
  }
  await one.release(APP, A);
  await until("the other knows it", async () => (await two.call("GET", `/v1/apps/${APP}`)).status == 200);
  const watched = await open(browser, `${site.origin}/`);
  const { page } = watched;
  await connected(page);
  const before = await one.theSession(APP, "at node two", ({ node }) => node == "two");

  await one.release(APP, B, { severity: "silent" });
  const askedAt = Date.now();
  await one.minimum(APP, B);
  await prompt(page).card.waitFor();
  figure("from the request at node one to the prompt of a page at node two", Date.now() - askedAt);
  await one.theSession(APP, "shown it", ({ outcome }) => outcome == "shown");
  for (const node of [one, two]) {
    await until("it is counted once", async () => String(await counted(node)) == "1,0");
  }

  await two.kill();
  const killedAt = Date.now();
  const after = await one.theSession(APP, "at node one", ({ node }) => node == "one");
  figure("from the end of its node to the page at the other", Date.now() - killedAt);
  expect(after.session).toBe(before.session);
  await connected(page);
  await until("it is counted once", async () => String(await counted(one)) == "1,0");
  figure("from the end of its node to a census that counts the page once", Date.now() - killedAt);
  await prompt(page).card.waitFor();
  await never("it is told again", () => notices(watched).length > 1, 1_000);

  site.deployed = B;
  await prompt(page).primary.click();
  await isRunning(page, B);
  await one.theSession(APP, "on B", ({ build, session }) => build == B.build && session == before.session);
  await until("it is counted once on B", async () => String(await counted(one)) == "1,0");
  expect(watched.errors).toEqual([]);
});
