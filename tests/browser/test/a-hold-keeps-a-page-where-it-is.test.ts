import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { connected, isRunning, outcomes, prompt } from "../src/browser.js";
import { A, B, type Freshwire } from "../src/freshwire.js";
import { figure, never, until } from "../src/until.js";
import { world } from "../src/world.js";

// A countdown has at least a minute in view, so these take one, side by side.
const here = world();
const SECOND = 1_000;

interface Holding {
  freshwire: { hold(reason: string): () => void };
  release?: () => void;
}

const hold = (page: Page, reason: string) =>
  page.evaluate((reason) => {
    const own = window as never as Holding;
    own.release = own.freshwire.hold(reason);
  }, reason);

const release = (page: Page) => page.evaluate(() => (window as never as Holding).release!());

/** A page on A with B deployed, and the server's word that nothing below B may stay. */
async function told(act: (freshwire: Freshwire, app: string) => Promise<unknown>, holding?: string) {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const watched = await here.open(site);
  await connected(watched.page);
  if (holding) {
    await hold(watched.page, holding);
    await freshwire.theSession(app, "holding", ({ holds }) => holds[0] == holding);
  }
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  // Before it can be told: no page may be quicker than what is promised to it.
  const toldAt = Date.now();
  await act(freshwire, app);
  // Its own word stays: a page that is soon to leave may have left when somebody looks at it.
  await until("it has shown it", () => outcomes(watched).includes("shown"));
  return { ...watched, watched, app, site, toldAt, freshwire };
}

test.concurrent("a countdown that nobody answers moves the page at its end", async () => {
  const { page, toldAt, watched } = await told((freshwire, app) =>
    freshwire.minimum(app, B, { countdown: "60s" }),
  );
  await movedTo(page, 120);
  const ms = Date.now() - toldAt;
  figure("a countdown of 60 s took", ms);
  expect(ms).toBeGreaterThanOrEqual(60 * SECOND);
  expect(watched.errors).toEqual([]);
});

test.concurrent("a hold outlasts the countdown, is reported by name, and lets go when released", async () => {
  const { page, app, freshwire, site, toldAt, watched } = await told(
    (freshwire, app) => freshwire.minimum(app, B, { countdown: "60s" }),
    "unsaved draft",
  );
  const { session } = await until(
    "the session is held",
    async () =>
      (await freshwire.sessions(app, "held=true"))[0]?.state == "held" && (await freshwire.sessions(app))[0],
    120 * SECOND,
  );
  expect(Date.now() - toldAt).toBeGreaterThanOrEqual(60 * SECOND);
  const [held] = await freshwire.sessions(app, "outcome=held");
  expect(held).toMatchObject({ session, holds: ["unsaved draft"], outcome: "held", detail: "unsaved draft" });
  expect((await freshwire.rows(app)).find(({ build }) => build == A.build)).toMatchObject({ held: 1 });
  await prompt(page).body.filter({ hasText: "Waiting for “unsaved draft”" }).waitFor();
  await never("the page is reloaded", () => site.navigations > 1, 3 * SECOND);

  const releasedAt = Date.now();
  await release(page);
  await isRunning(page, B);
  figure("from the hold's release to the new build", Date.now() - releasedAt);
  expect((await freshwire.theSession(app, "on B", ({ build }) => build == B.build)).session).toBe(session);
  expect(outcomes(watched)).toEqual(["received", "shown", "held", "refreshing"]);
});

test.concurrent("a hold that is never released holds until the operator's cap and no longer", async () => {
  const { page, toldAt } = await told(
    (freshwire, app) => freshwire.minimum(app, B, { countdown: "60s", hold_cap: "6s" }),
    "a very long draft",
  );
  await movedTo(page, 130);
  const ms = Date.now() - toldAt;
  figure("a countdown of 60 s with a hold capped at 6 s took", ms);
  expect(ms).toBeGreaterThanOrEqual(66 * SECOND);
});

test.concurrent("a press waits for a hold, too, and goes on by itself when it is released", async () => {
  const { page, app, freshwire, site } = await told((freshwire, app) => freshwire.minimum(app, B), "payment");
  const { primary, body } = prompt(page);
  await primary.click();
  await body.filter({ hasText: "Waiting for “payment”" }).waitFor();
  await freshwire.theSession(app, "held", ({ state, holds }) => state == "held" && holds[0] == "payment");
  await never("the page is reloaded", () => site.navigations > 1, 2 * SECOND);
  await release(page);
  await isRunning(page, B);
});

test.concurrent("a second press goes anyway: the user knows better than the hold", async () => {
  const { page } = await told((freshwire, app) => freshwire.minimum(app, B), "payment");
  const { primary } = prompt(page);
  await primary.click();
  await primary.filter({ hasText: "anyway" }).click();
  await isRunning(page, B);
});

test.concurrent(
  "a retired build with force is left within about ten seconds, whatever the holds",
  async () => {
    const { page, app, freshwire, toldAt } = await told(
      (freshwire, app) => freshwire.retire(app, A, { action: "force" }),
      "unsaved draft",
    );
    await isRunning(page, B);
    const ms = Date.now() - toldAt;
    figure("from force to the new build", ms);
    expect(ms).toBeGreaterThanOrEqual(10 * SECOND);
    // A hold would have been waited for ten minutes long.
    expect(ms).toBeLessThan(60 * SECOND);
    await freshwire.theSession(app, "on B", ({ state, build }) => state == "refreshed" && build == B.build);
  },
);

const movedTo = (page: Page, seconds: number) =>
  page.waitForFunction(
    (build) => document.querySelector<HTMLElement>("#build")?.dataset.build == build,
    B.build,
    { timeout: seconds * SECOND },
  );
