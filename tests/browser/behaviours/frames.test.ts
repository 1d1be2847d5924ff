import { expect } from "vitest";
import { card, deploy, withAttributes, withCode } from "../src/engines/app.js";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { withClock } from "../src/engines/clock.js";
import { LISTENING, born, embed, hosting, tell } from "../src/engines/frames.js";
import { PRIMARY, cardSays, connected, isRunning } from "../src/engines/snippet.js";
import { A, B, C, type Freshwire } from "../src/freshwire.js";
import { never, seen, until } from "../src/until.js";

const sessionsAre = (freshwire: Freshwire, app: string, ...wanted: string[]) =>
  seen(
    `the sessions are ${wanted.join(", ")}`,
    async () =>
      (await freshwire.sessions(app)).map(({ build, frame, host }) => `${frame} ${build} in ${host}`),
    (found) => String(found.sort()) == String(wanted.sort()),
  );

inEveryEngine(
  "an embed of another origin moves itself, and leaves its host alone",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const { site: other } = await shop(A);
    withClock(site);
    withCode(site, LISTENING);
    const page = await tab(hosting(other, `${site.origin}/`));
    const began = await born(page);
    await sessionsAre(freshwire, app, `embedded ${A.build} in null`);
    await deploy(freshwire, app, site, B, { countdown: "1m" });
    await freshwire.theSession(app, "told", ({ outcome }) => outcome == "received");
    await tell(page, { pass: 62_000 });
    await freshwire.theSession(
      app,
      "moved",
      ({ build, standing }) => build == B.build && standing == "current",
    );
    expect(site.navigations).toBe(2);
    expect(await born(page)).toBe(began);
    expect(await page.evaluate(() => history.length)).toBeLessThanOrEqual(2);
  },
);

behaviour("a frame's notice shows nothing, in the frame or around it", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  // In a page that has nothing to do with it: of the same origin, so that the test sees both.
  const page = await tab(hosting(site, "/"));
  const began = await born(page);
  await sessionsAre(freshwire, app, `embedded ${A.build} in null`);
  await deploy(freshwire, app, site, B);
  await freshwire.theSession(app, "told", ({ outcome }) => outcome == "received");
  const shown = () =>
    page.evaluate(() =>
      [document, document.querySelector<HTMLIFrameElement>("#frame")!.contentDocument!].some((place) =>
        place.querySelector("[data-freshwire]")?.shadowRoot?.querySelector(".card"),
      ),
    );
  await never("there is a card", shown, 1_500);
  expect(await born(page)).toBe(began);
  expect(site.navigations).toBe(1);
});

inEveryEngine(
  "a frame of the page's own origin goes where the page around it goes",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withClock(site);
    withCode(site, LISTENING);
    const page = await tab(site);
    await connected(page);
    await embed(page, "/inner");
    await sessionsAre(freshwire, app, `top ${A.build} in null`, `embedded ${A.build} in ${A.build}`);
    await deploy(freshwire, app, site, B, { countdown: "1m", hold_cap: "1m" });
    await cardSays(page, "CVE-2026-1234");
    await until("both were told", async () =>
      (await freshwire.sessions(app)).every(({ outcome }) => outcome),
    );
    // Its own countdown is over, and more than that.
    await tell(page, { pass: 150_000 });
    await never("the frame is reloaded by itself", () => site.navigations > 2, 2_000);
    await page.click(PRIMARY);
    await isRunning(page, B);
    expect(site.documents.filter(({ by, path }) => by == "navigation" && path == "/")).toHaveLength(2);
  },
);

behaviour("an embed whose build is not its host's is seen as such", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await freshwire.release(app, B, { severity: "silent" });
  site.deployed = B;
  await embed(page, "/inner");
  await sessionsAre(freshwire, app, `top ${A.build} in null`, `embedded ${B.build} in ${A.build}`);
});

behaviour(
  "a frame that is older than its host moves by itself, when its countdown ends",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(B);
    withClock(site);
    withCode(site, LISTENING);
    await freshwire.release(app, C, { severity: "silent" });
    site.deployed = C;
    const page = await tab(site);
    await connected(page);
    const began = await born(page);
    site.deployed = B;
    await embed(page, "/inner");
    await sessionsAre(freshwire, app, `top ${C.build} in null`, `embedded ${B.build} in ${C.build}`);
    site.deployed = C;
    await freshwire.minimum(app, C, { countdown: "1m" });
    await until("it was told", async () => (await freshwire.sessions(app, "outcome=received")).length == 1);
    await tell(page, { pass: 62_000 });
    await sessionsAre(freshwire, app, `top ${C.build} in null`, `embedded ${C.build} in ${C.build}`);
    expect(await born(page)).toBe(began);
    expect(await card(page)).toBe("");
  },
);

behaviour(
  "an unattended embed moves as soon as it may, and its host stays",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const { site: other } = await shop(A);
    withAttributes(site, `data-unattended="yes"`);
    const page = await tab(hosting(other, `${site.origin}/`));
    const began = await born(page);
    await sessionsAre(freshwire, app, `embedded ${A.build} in null`);
    await deploy(freshwire, app, site, B);
    await freshwire.theSession(app, "moved", ({ build }) => build == B.build);
    expect(await born(page)).toBe(began);
    expect(site.navigations).toBe(2);
  },
);

behaviour(
  "a frame within the app's document shows nothing, and is on the new build with the page around it",
  async (here) => {
    const { tab, shop, freshwire } = here;
    const { app, site } = await shop(A);
    site.head = (build) => `${site.tag(build)}<script type="module">
if (self == top) document.body.append(Object.assign(document.createElement("iframe"), { src: "/inside" }));
</script>`;
    const page = await tab(site);
    await sessionsAre(freshwire, app, `top ${A.build} in null`, `embedded ${A.build} in ${A.build}`);
    await deploy(freshwire, app, site, B);
    await cardSays(page, "CVE-2026-1234");
    await freshwire.theSessions(app, "told, the frame as well", (all) =>
      all.some(({ frame, outcome }) => frame == "embedded" && outcome == "received"),
    );
    expect(
      await page.evaluate(
        () => document.querySelector("iframe")!.contentDocument!.querySelectorAll("[data-freshwire]").length,
      ),
    ).toBe(0);
    await page.click(PRIMARY);
    await sessionsAre(freshwire, app, `top ${B.build} in null`, `embedded ${B.build} in ${B.build}`);
    expect(await freshwire.census(app)).toEqual({ [B.build]: 2 });
    expect(page.errors()).toEqual([]);
  },
);
