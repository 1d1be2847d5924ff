/** Two nodes on one NATS: an operator at one of them, a page at the other. */

import { expect, onTestFinished } from "vitest";
import { Balancer } from "../src/balancer.js";
import { behaviour } from "../src/engines/behaviour.js";
import { Gate } from "../src/engines/gate.js";
import { PRIMARY, cardSays, connected, isRunning } from "../src/engines/snippet.js";
import { A, B, Freshwire } from "../src/freshwire.js";
import { Nats } from "../src/nats.js";
import { Site } from "../src/site.js";
import { figure, never, seen } from "../src/until.js";

const APP = "shop";

/** What is started here ends with the test, the last one first. */
async function started<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const made = await starting;
  onTestFinished(() => made.stop());
  return made;
}

/** Connected and away, in all. */
async function counted(freshwire: Freshwire): Promise<[number, number]> {
  const rows = await freshwire.rows(APP);
  const sum = (of: "sessions" | "away") => rows.reduce((sum, row) => sum + row[of], 0);
  return [sum("sessions"), sum("away")];
}

const countedOnce = (freshwire: Freshwire) =>
  seen(
    "it is counted once",
    () => counted(freshwire),
    (now) => String(now) == "1,0",
  );

behaviour(
  "a page on one node is moved by an operator on another, and finds that one when its own is killed",
  async ({ tab }) => {
    const nats = await started(Nats.start());
    const node = (name: string) => started(Freshwire.start("--nats", nats.url, "--node", name));
    const [one, two] = [await node("one"), await node("two")];
    const balancer = await started(Balancer.start([two.address, one.address]));
    const gate = await Gate.start({ address: balancer.address });
    const site = await started(Site.start(APP, A, gate.origin));
    for (const { call } of [one, two].map((node) => ({ call: () => node.call("GET", "/readyz") }))) {
      await seen("the node is ready", call, ({ status }) => status == 200);
    }
    await one.release(APP, A);
    await seen(
      "the other knows it",
      () => two.call("GET", `/v1/apps/${APP}`),
      ({ status }) => status == 200,
    );
    const page = await tab(site);
    await connected(page);
    const before = await one.theSession(APP, "at node two", ({ node }) => node == "two");

    await one.release(APP, B, { severity: "silent" });
    const askedAt = Date.now();
    await one.minimum(APP, B);
    await cardSays(page, "CVE-2026-1234");
    figure("from the request at node one to the prompt of a page at node two", Date.now() - askedAt);
    await one.theSession(APP, "shown it", ({ outcome }) => outcome == "shown");
    for (const node of [one, two]) await countedOnce(node);

    await two.kill();
    const killedAt = Date.now();
    const after = await one.theSession(APP, "at node one", ({ node }) => node == "one");
    figure("from the end of its node to the page at the other", Date.now() - killedAt);
    expect(after.session).toBe(before.session);
    await connected(page);
    await countedOnce(one);
    figure("from the end of its node to a census that counts the page once", Date.now() - killedAt);
    await cardSays(page, "CVE-2026-1234");
    await never("it is told again", () => gate.notices.length > 1, 1_000);

    site.deployed = B;
    await page.click(PRIMARY);
    await isRunning(page, B);
    await one.theSession(APP, "on B", ({ build, session }) => build == B.build && session == before.session);
    await countedOnce(one);
    expect(page.errors()).toEqual([]);
  },
);
