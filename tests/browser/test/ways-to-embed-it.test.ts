import { expect, test } from "vitest";
import { connected, notices, prompt } from "../src/browser.js";
import { A, B } from "../src/freshwire.js";
import { until } from "../src/until.js";
import { world } from "../src/world.js";

const here = world();

interface Fresh {
  app: string;
  build: string;
  status: { standing: string; connection: string; notice: { build: string } | null };
  get(app: string): Fresh | undefined;
  on(event: string, listener: (value: never) => void): () => void;
}
type Own = Window & { freshwire: Fresh; queued: string[]; made: Fresh[]; standings: string[] };

test("two apps on a page are two sessions, each found by its name", async () => {
  const { freshwire } = here;
  const one = await here.shop(A);
  const two = await here.shop(A);
  one.site.head = (build) => one.site.tag(build) + one.site.tag(build, two.app);
  const watched = await here.open(one.site);
  const { page } = watched;
  const standings = () =>
    page.evaluate(
      (apps) => apps.map((app) => (window as never as Own).freshwire?.get?.(app)?.status.standing),
      [one.app, two.app],
    );
  await until("both are judged", async () => String(await standings()) == "current,current");
  expect(await freshwire.census(one.app)).toEqual({ [A.build]: 1 });
  expect(await freshwire.census(two.app)).toEqual({ [A.build]: 1 });
  expect(watched.sockets()).toBe(2);

  // What befalls the one leaves the other alone.
  await freshwire.release(two.app, B, { severity: "silent" });
  await freshwire.minimum(two.app, B);
  await prompt(page).card.waitFor();
  expect(await standings()).toEqual(["current", "unsupported"]);
  expect(notices(watched)).toHaveLength(1);
  expect(watched.errors).toEqual([]);
});

test("the prompts of two apps stand above each other, each in reach", async () => {
  const { freshwire } = here;
  const one = await here.shop(A);
  const two = await here.shop(A);
  one.site.head = (build) => one.site.tag(build) + one.site.tag(build, two.app);
  const { page } = await here.open(one.site);
  for (const { app } of [one, two]) {
    await freshwire.theSession(app, "there", () => true);
    await freshwire.release(app, B, { severity: "important", over: "0s" });
  }
  const { card, secondary } = prompt(page);
  const box = async (n: number) => (await card.nth(n).boundingBox())!;
  await card.nth(1).waitFor();
  await until("they don't overlap", async () => {
    const [first, second] = [await box(0), await box(1)];
    return second.y + second.height < first.y;
  });
  const before = await box(0);
  // The lower one goes, and the upper one comes down.
  await secondary.nth(0).click();
  await until("one is left", async () => (await card.count()) == 1);
  await until("it has come down", async () => Math.abs((await box(0)).y - before.y) < 2);
  await secondary.click();
  await card.waitFor({ state: "detached" });
});

test("the module knows its server, and the same app twice is one object", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  site.head = ({ build, version }) => `<meta name="freshwire-build" content="${build}" />
<script type="module">
import { connect, get } from "${freshwire.origin}/freshwire.mjs";
const fresh = connect({ app: "${app}", version: "${version}", labels: { tenant: "acme" } });
window.made = [fresh, connect({ app: "${app}" }), get("${app}")];
window.standings = [];
fresh.on("status", ({ standing }) => window.standings.push(standing));
</script>`;
  const watched = await here.open(site);
  const { page } = watched;
  const session = await freshwire.theSession(app, "there", ({ build }) => build == A.build);
  expect(session).toMatchObject({ standing: "current", labels: { tenant: "acme" } });
  expect(await page.evaluate(() => new Set((window as never as Own).made).size)).toBe(1);
  expect(watched.sockets()).toBe(1);
  await freshwire.release(app, B, { severity: "silent" });
  await until("it is stale", () => page.evaluate(() => (window as never as Own).standings.includes("stale")));
  expect(await page.evaluate(() => (window as never as { freshwire?: unknown }).freshwire)).toBeUndefined();
  expect(watched.errors).toEqual([]);
});

test("what is queued before the script has loaded is called with the object, and so is what comes later", async () => {
  const { app, site } = await here.shop(A);
  site.head = (build) => `<script>
window.queued = [];
(window.freshwire ||= []).push((fresh) => window.queued.push("first " + fresh.app));
window.freshwire.push(() => { throw new Error("the app's own mistake"); });
window.freshwire.push((fresh) => window.queued.push("second " + fresh.build));
</script>${site.tag(build)}`;
  const { page, errors } = await here.open(site);
  await connected(page);
  await until("the queue is empty", () => page.evaluate(() => (window as never as Own).queued.length == 2));
  await page.evaluate(() => {
    const own = window as never as Own & { freshwire: { push(waiting: (fresh: Fresh) => void): void } };
    own.freshwire.push((fresh) => void own.queued.push(`later ${fresh.status.connection}`));
  });
  expect(await page.evaluate(() => (window as never as Own).queued)).toEqual([
    `first ${app}`,
    `second ${A.build}`,
    "later open",
  ]);
  expect(errors).toEqual(["Error: the app's own mistake"]);
});

test("an app that shows the notice itself is shown no card", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  site.head = ({ build }) => `<meta name="freshwire-build" content="${build}" />
<script type="module">
import { connect } from "${freshwire.origin}/freshwire.mjs";
window.freshwire = connect({ app: "${app}", prompt: false });
</script>`;
  const { page } = await here.open(site);
  await connected(page);
  await freshwire.release(app, B, { severity: "important", over: "0s" });
  site.deployed = B;
  await until("the app has the notice", () =>
    page.evaluate(() => (window as never as Own).freshwire.status.notice?.build),
  );
  expect(await prompt(page).card.count()).toBe(0);
  await page.evaluate(() => (window as never as { freshwire: { refresh(): void } }).freshwire.refresh());
  await freshwire.theSession(app, "on B", ({ build, state }) => build == B.build && state == "refreshed");
});

test("a page in a frame is a session, but leaves the refresh to the page around it", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  site.head = (build) => `${site.tag(build)}<script type="module">
if (self == top) document.body.append(Object.assign(document.createElement("iframe"), { src: "/inside" }));
</script>`;
  const { page, errors } = await here.open(site);
  const frames = async () => (await freshwire.sessions(app)).map(({ frame }) => frame).sort();
  await until("both are there", async () => String(await frames()) == "embedded,top");
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  await freshwire.minimum(app, B);
  const { card, primary } = prompt(page);
  await card.waitFor();
  await until("the frame was told as well", async () =>
    (await freshwire.sessions(app, "outcome=received")).some(({ frame }) => frame == "embedded"),
  );
  expect(await page.frameLocator("iframe").locator("[data-freshwire]").count()).toBe(0);
  await primary.click();
  await until("both are on B", async () => (await freshwire.census(app))[B.build] == 2);
  expect(await freshwire.census(app)).toEqual({ [B.build]: 2 });
  expect(errors).toEqual([]);
});
