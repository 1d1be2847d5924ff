import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser, Page } from "playwright-core";
import { connected, isRunning, launch, prompt, type Watched } from "../browser.js";
import { A, B, C, type Build } from "../../src/freshwire.js";
import { APP, Story, release } from "./story.js";

let browser: Browser;

beforeAll(async () => void (browser = await launch()));
afterAll(() => browser?.close());

/** Tells and writes down a story in which `A` is deployed, and registered as `more` says. */
const story = (name: string, tell: (story: Story) => Promise<unknown>, more: Record<string, unknown> = {}) =>
  test(name, () => Story.record(name, browser, A, [release(A, more)], tell));

interface Api {
  freshwire: {
    hold(reason: string): () => void;
    on(event: "push", listener: () => void): void;
    status: { connection: string };
  };
  let?: () => void;
}

const hold = (page: Page, reason: string) =>
  page.evaluate((reason) => {
    const own = window as never as Api;
    own.let = own.freshwire.hold(reason);
  }, reason);

const letGo = (page: Page) => page.evaluate(() => (window as never as Api).let!());

/** The user closes the tab. */
async function leave(story: Story, { page, errors }: Watched): Promise<void> {
  expect(errors).toEqual([]);
  await page.close({ runBeforeUnload: true });
  await story.gone();
}

/** The page has come back as another build. */
async function moved(story: Story, { page }: Watched, build: Build): Promise<void> {
  await isRunning(page, build);
  await connected(page);
  await story.welcomed(2);
}

story("connect-and-leave", async (story) => {
  // As an app does that has labels to tell.
  story.site.head = ({ build, version }) => `<meta name="freshwire-build" content="${build}" />
<script type="module">
import { connect } from "${story.snippet}/freshwire.mjs";
window.freshwire = connect({ app: "${APP}", version: "${version}", labels: { tenant: "acme", plan: "team" } });
</script>`;
  const watched = await story.open();
  await story.welcomed();
  await story.listed({
    build: A.build,
    standing: "current",
    frame: "top",
    visible: true,
    holds: [],
    labels: { plan: "team", tenant: "acme" },
  });
  await leave(story, watched);
});

story("of-an-app-that-nobody-knows", async (story) => {
  story.site.head = (build) => story.site.tag(build, "of-nobody");
  await story.open();
  await story.said("it is turned away", ({ closed }) => closed == 4004);
});

story("told-by-countdown-and-refreshed", async (story) => {
  const watched = await story.open();
  await story.welcomed();
  await story.release(B, { severity: "silent" });
  await story.stale(B);
  await story.minimum(B, { countdown: "5m", hold_cap: "10m" });
  await story.outcome("shown");
  await story.listed({ build: A.build, standing: "unsupported", outcome: "shown" });
  story.site.deployed = B;
  await prompt(watched.page).primary.click();
  await moved(story, watched, B);
  await story.listed({ build: B.build, standing: "current", state: "refreshed" });
  await leave(story, watched);
});

story("snoozed-then-pierced", async (story) => {
  const watched = await story.open();
  await story.welcomed();
  await story.release(B, { severity: "important", over: "0s" });
  await story.outcome("shown");
  await prompt(watched.page).secondary.filter({ hasText: "Later" }).click();
  await story.outcome("snoozed");
  await story.listed({ build: A.build, state: "snoozed", outcome: "snoozed" });
  await story.release(C, { severity: "important", over: "0s" });
  await story.stale(C);
  await story.minimum(C);
  await story.outcome("shown", 2);
  await story.listed({ build: A.build, standing: "unsupported", outcome: "shown" });
  await leave(story, watched);
});

story("held-then-released", async (story) => {
  const watched = await story.open();
  await story.welcomed();
  await hold(watched.page, "unsaved draft");
  await story.listed({ holds: ["unsaved draft"] });
  await story.release(B, { severity: "silent" });
  await story.stale(B);
  await story.minimum(B);
  await story.outcome("shown");
  await prompt(watched.page).primary.click();
  await story.outcome("held");
  await story.listed({ state: "held", outcome: "held", detail: "unsaved draft" });
  story.site.deployed = B;
  await letGo(watched.page);
  await moved(story, watched, B);
  await story.listed({ build: B.build, state: "refreshed", holds: [] });
  await leave(story, watched);
});

story("origin-stale", async (story) => {
  const watched = await story.open();
  const { primary, body } = prompt(watched.page);
  const press = async () => {
    await primary.click();
    await body.filter({ hasText: "available here yet" }).waitFor();
  };
  await story.welcomed();
  await story.release(B, { severity: "silent" });
  await story.stale(B);
  await story.minimum(B);
  await story.outcome("shown");
  await press();
  await story.outcome("origin_stale");
  await story.listed({ state: "stuck", outcome: "origin_stale", detail: `the document carries ${A.build}` });
  // A build that nobody has registered.
  story.site.deployed = C;
  await press();
  await story.outcome("origin_stale", 2);
  await story.listed({ state: "stuck", detail: `the document carries ${C.build}` });
  story.site.deployed = B;
  await primary.click();
  await moved(story, watched, B);
  await story.listed({ build: B.build, state: "refreshed" });
  await leave(story, watched);
});

/** A style sheet and a script, as a bundler names them. */
const assets = (style: string, script: string) => ({
  preload: [`/assets/index-${script}.js`],
  assets: { [`/assets/index-${style}.css`]: style, [`/assets/index-${script}.js`]: "script" },
});

story(
  "swapped",
  async (story) => {
    const { site } = story;
    for (const style of ["aaaaaaa1", "bbbbbbb2"]) site.files[`/assets/index-${style}.css`] = "b{color:red}";
    for (const script of ["Dq3-aa01", "Fq9bb012"]) site.files[`/assets/index-${script}.js`] = "export {};";
    site.head = (build) => `<link rel="stylesheet" href="/assets/index-aaaaaaa1.css" />${site.tag(build)}`;
    const watched = await story.open();
    await story.welcomed();
    await story.release(B, { severity: "important", over: "0s", ...assets("bbbbbbb2", "Fq9bb012") });
    await story.outcome("swapped");
    await story.welcomed(2);
    await story.listed({ build: B.build, standing: "current", state: "swapped" });
    expect(site.navigations).toBe(1);
    await leave(story, watched);
  },
  assets("aaaaaaa1", "Dq3-aa01"),
);

story("pushed", async (story) => {
  const watched = await story.open();
  const { page } = watched;
  const push = (data: unknown) => story.operate("POST", `/v1/apps/${APP}/push`, { topic: "flags", data });
  await story.welcomed();
  await push({ new_checkout: false });
  await story.outcome("unhandled");
  await page.evaluate(() => (window as never as Api).freshwire.on("push", () => undefined));
  await push({ new_checkout: true, limits: [25, 2.5, null] });
  await story.outcome("handled");
  await page.reload();
  await story.welcomed(2);
  await page.evaluate(() =>
    (window as never as Api).freshwire.on("push", () => {
      throw new Error("no such flag");
    }),
  );
  await push({ new_checkout: "maybe" });
  await story.outcome("failed");
  await leave(story, watched);
});

story("evidence", async (story) => {
  const watched = await story.open();
  const { page } = watched;
  const answered = (times: number) =>
    story.said("it is told where it stands", ({ server }) => server?.type == "standing", times);
  await story.welcomed();
  await story.release(B, { severity: "silent" });
  await story.stale(B);
  story.site.deployed = B;
  // The answer comes before the page is gone.
  await page.route(`${story.site.origin}/`, async (route) => {
    if (route.request().resourceType() == "fetch") await answered(2);
    await route.continue();
  });
  await page.evaluate(`void import("/assets/gone.js")`);
  await moved(story, watched, B);
  await story.listed({ build: B.build, standing: "current" });
  // Current, and told so.
  await page.evaluate(`void import("/assets/gone-too.js")`);
  await answered(3);
  watched.errors.length = 0;
  await leave(story, watched);
});

story("reconnect-after-kill", async (story) => {
  const watched = await story.open();
  const { page } = watched;
  await story.welcomed();
  await story.release(B, { severity: "important", over: "0s" });
  await story.outcome("shown");
  await story.listed({ build: A.build, outcome: "shown" });
  await story.restart();
  // As the browser says when the network is back: now, and not when the back-off ends.
  await page.evaluate(async () => {
    const { freshwire } = window as never as Api;
    while (freshwire.status.connection != "waiting") await new Promise(requestAnimationFrame);
    dispatchEvent(new Event("online"));
  });
  await story.welcomed(2);
  await story.listed({ build: A.build, standing: "stale", outcome: "shown" });
  await leave(story, watched);
});

story("withdrawn", async (story) => {
  const watched = await story.open();
  await story.welcomed();
  await story.release(B, { severity: "silent" });
  await story.stale(B);
  await story.minimum(B);
  await story.outcome("shown");
  await story.operate("DELETE", `/v1/apps/${APP}/minimum`);
  await prompt(watched.page).card.waitFor({ state: "detached" });
  await story.listed({ build: A.build, standing: "stale" });
  await leave(story, watched);
});

story("polled", async (story) => {
  story.refuseSockets();
  const watched = await story.open();
  const { page } = watched;
  const answers = (times: number) => story.said("a poll is answered", (step) => "answer" in step, times);
  await answers(1);
  await story.listed({ build: A.build, standing: "current", transport: "poll" });
  await story.release(B, { over: "0s" });
  // What is to be said is said at once, and the answer has the notice; which is acknowledged at once.
  await hold(page, "unsaved draft");
  await answers(3);
  await story.listed({ build: A.build, standing: "stale", holds: ["unsaved draft"], outcome: "received" });
  await story.operate("POST", `/v1/apps/${APP}/push`, { topic: "flags", data: { new_checkout: true } });
  await letGo(page);
  await answers(5);
  await story.listed({ holds: [] });
  await page.close({ runBeforeUnload: true });
  // Nobody reads what a goodbye is answered with.
  await story.endsWith(({ poll }) => poll?.frames[0]?.type == "bye");
  await story.gone();
});

story("embedded", async (story) => {
  const { site } = story;
  // Around it a page of the same origin that carries its build and isn't connected itself.
  site.head = () => `<meta name="freshwire-build" content="${C.build}" />`;
  const watched = await story.open();
  const { page } = watched;
  site.head = (build) => site.tag(build);
  await page.evaluate(() => {
    const frame = document.createElement("iframe");
    frame.src = "/embedded";
    document.body.append(frame);
  });
  await story.welcomed();
  await story.release(B, { severity: "important", over: "0s" });
  await story.outcome("received");
  await story.listed({ build: A.build, frame: "embedded", host: C.build, outcome: "received" });
  await page.evaluate(() => document.querySelector("iframe")!.remove());
  await story.gone();
});
