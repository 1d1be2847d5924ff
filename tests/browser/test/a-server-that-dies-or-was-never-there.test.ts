import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { connected, goBack, isRunning, movable, notices, outcomes, prompt } from "../src/browser.js";
import { A, B, C } from "../src/freshwire.js";
import { hasActed } from "../src/parts.js";
import { figure, never, until } from "../src/until.js";
import { world } from "../src/world.js";

const here = world();

interface Heard {
  heard: string[];
  freshwire: {
    on(event: string, listener: (notice: { action: string; build: string } | null) => void): void;
  };
}

/** The app itself: takes input, which it saves at once, and counts tins. */
async function works(page: Page) {
  await page.fill("#note", "Leave it at the door");
  await page.evaluate(() => (window as never as { freshwire?: { saved?(): void } }).freshwire?.saved?.());
  const tins = Number(await page.locator("#tins").innerText());
  await page.getByText("Add a tin").click();
  expect(await page.locator("#tins").innerText()).toBe(String(tins + 1));
}

test("over kill -9 and restart a page finds its way back, keeps its ID, and isn't told twice", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const watched = await here.open(site);
  const { page } = watched;
  await connected(page);
  await freshwire.release(app, B, { severity: "silent" });
  await freshwire.minimum(app, B);
  await prompt(page).card.waitFor();
  const before = await freshwire.theSession(app, "shown it", ({ outcome }) => outcome == "shown");

  await freshwire.kill();
  await page.waitForFunction(
    () =>
      (window as never as { freshwire: { status: { connection: string } } }).freshwire.status.connection !=
      "open",
  );
  // Nobody is disturbed meanwhile, and the countdown goes on.
  await prompt(page).card.waitFor();
  await works(page);
  await freshwire.restart();
  const restartedAt = Date.now();
  const after = await freshwire.theSession(app, "back", ({ standing }) => standing == "unsupported");
  figure("from the restarted server to its page back", Date.now() - restartedAt);
  expect(after.session).toBe(before.session);
  await connected(page);
  await never("it is told again", () => notices(watched).length > 1, 2_000);
  expect(outcomes(watched).filter((is) => is == "shown")).toHaveLength(1);
  expect(watched.received.filter(({ type }) => type == "welcome").map(({ standing }) => standing)).toEqual([
    "current",
    "unsupported",
  ]);

  site.deployed = B;
  await prompt(page).primary.click();
  await isRunning(page, B);
  await freshwire.theSession(
    app,
    "on B",
    ({ build, session }) => build == B.build && session == before.session,
  );
  expect(watched.errors).toEqual([]);
});

test("a page that has been told moves, though Freshwire is gone by then", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const watched = await here.open(site);
  const { page } = watched;
  await connected(page);
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  await freshwire.minimum(app, B);
  const { primary } = prompt(page);
  await primary.waitFor();
  const { session } = await freshwire.theSession(app, "shown it", ({ outcome }) => outcome == "shown");
  await movable(page);
  await freshwire.kill();
  try {
    await primary.click();
    await isRunning(page, B);
    await works(page);
  } finally {
    await freshwire.restart();
  }
  await page.reload();
  await connected(page);
  const after = await freshwire.theSession(app, "on B", ({ build }) => build == B.build);
  expect(after).toMatchObject({ session, standing: "current" });
  expect(watched.errors).toEqual([]);
});

test("what was decided while a page was away, it learns as it stands when it is back", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  // The page's own word: the driver loses sight of sockets over the back/forward cache.
  await page.evaluate(() => {
    const own = window as never as Heard;
    own.heard = [];
    own.freshwire.on("notice", (notice) => own.heard.push(`${notice?.action} ${notice?.build}`));
  });
  await page.waitForFunction(hasActed);
  await page.goto("about:blank");
  await until("it is away", async () => (await freshwire.rows(app))[0]?.away == 1);
  await freshwire.release(app, B, { severity: "important", over: "0s" });
  await freshwire.minimum(app, B);
  await freshwire.release(app, C, { severity: "silent" });
  await freshwire.minimum(app, C);
  site.deployed = C;
  await goBack(page, `${site.origin}/`);
  await prompt(page).card.waitFor();
  // Not what was said in between: only how it stands now.
  expect(await page.evaluate(() => (window as never as Heard).heard)).toEqual([`countdown ${C.build}`]);
  expect(site.navigations).toBe(1);
  await prompt(page).primary.click();
  await isRunning(page, C);
  await freshwire.theSession(app, "current", ({ standing }) => standing == "current");
});

test("with Freshwire unreachable the app works and nothing is thrown", async () => {
  const { site } = await here.shop(A);
  const dead = "http://127.0.0.1:9";
  const heads = [
    `<script src="${dead}/freshwire.js" data-app="x" async></script>`,
    `<script type="module">import("${dead}/freshwire.mjs").catch(() => (window.missed = true));</script>`,
    `<script src="${here.freshwire.origin}/no-such.js" data-app="x" async></script>`,
  ];
  for (const head of heads) {
    site.head = () => `<meta name="freshwire-build" content="${A.build}" />${head}`;
    const { page, errors } = await here.open(site);
    await works(page);
    expect(errors).toEqual([]);
  }
});

test("connected to an address where nothing listens, the app works and nothing is thrown", async () => {
  const { freshwire } = here;
  const { site } = await here.shop(A);
  site.head = ({ build }) => `<meta name="freshwire-build" content="${build}" />
<script type="module">
import { connect } from "${freshwire.origin}/freshwire.mjs";
window.fresh = connect({ app: "elsewhere", url: "http://127.0.0.1:9" });
</script>`;
  const { page, errors } = await here.open(site);
  const connection = () =>
    page.evaluate(
      () => (window as never as { fresh?: { status: { connection: string } } }).fresh?.status.connection,
    );
  await until("it waits for another try", async () => (await connection()) == "waiting");
  await works(page);
  await page.evaluate(() => {
    const { fresh } = window as never as {
      fresh: { refresh(): void; snooze(): void; hold(why: string): () => void };
    };
    fresh.hold("a draft")();
    fresh.refresh();
    fresh.snooze();
  });
  await works(page);
  expect(errors).toEqual([]);
});

test("a wrong app's name, no name and no build leave the app alone", async () => {
  const { freshwire } = here;
  const { site } = await here.shop(A);
  const src = `${freshwire.origin}/freshwire.js`;

  site.head = ({ build }) =>
    `<meta name="freshwire-build" content="${build}" /><script src="${src}" data-app="no-such-app" async></script>`;
  const wrong = await here.open(site);
  await wrong.page.waitForFunction(
    () =>
      (window as never as { freshwire?: { status?: { connection: string } } }).freshwire?.status
        ?.connection == "waiting",
  );
  await never("it hammers the server", () => wrong.sockets() > 1, 3_000);
  await works(wrong.page);

  for (const head of [
    `<script src="${src}" async></script>`,
    `<script src="${src}" data-app="nameless-build" async></script>`,
    `<meta name="freshwire-build" content="" /><script src="${src}" data-app="" async></script>`,
  ]) {
    site.head = () => head;
    const { page, errors, sockets } = await here.open(site);
    await page.waitForFunction(() => "freshwire" in window);
    await works(page);
    expect(errors).toEqual([]);
    expect(sockets()).toBe(0);
  }
  expect(wrong.errors).toEqual([]);
});

test("a page whose lazily loaded part can't be had says so in one plain line", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const watched = await here.open(site);
  const { page } = watched;
  await connected(page);
  // The part that draws the line.
  await page.waitForFunction(hasActed);
  await page.route("**/v1/client/**", (route) => route.abort());
  await freshwire.release(app, B, { severity: "silent" });
  await freshwire.minimum(app, B);
  await page.getByRole("status").filter({ hasText: "reload this page" }).waitFor();
  await freshwire.theSession(app, "reported", ({ detail }) => detail == "part_not_loaded");
  await works(page);
  site.deployed = B;
  await page.reload();
  await isRunning(page, B);
  await freshwire.theSession(app, "on B", ({ standing }) => standing == "current");
  expect(watched.errors).toEqual([]);
});
