import { expect } from "vitest";
import { deploy } from "../src/engines/app.js";
import { inEveryEngine } from "../src/engines/behaviour.js";
import { connectWith } from "../src/engines/connected-by-hand.js";
import { gated } from "../src/engines/gate.js";
import {
  CARD,
  PRIMARY,
  cardSays,
  connected,
  disconnected,
  isRunning,
  movable,
  works,
} from "../src/engines/snippet.js";
import { testimony } from "../src/engines/witness.js";
import { A, B } from "../src/freshwire.js";
import { quietPort } from "../src/ports.js";
import { figure, never } from "../src/until.js";

inEveryEngine(
  "over kill -9 and restart the app goes on, and its page is back, is the same session, and isn't told twice",
  async (here) => {
    const { tab, freshwire } = here;
    const { app, site, gate } = await gated(here);
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    await cardSays(page, "CVE-2026-1234");
    const { session } = await freshwire.theSession(app, "shown it", ({ outcome }) => outcome == "shown");
    await freshwire.kill();
    await disconnected(page);
    // Nobody is disturbed meanwhile, and the countdown goes on.
    expect(await cardSays(page, "CVE-2026-1234")).toMatch(/\d:\d\d/);
    await works(page);
    await freshwire.restart();
    const restartedAt = Date.now();
    const after = await freshwire.theSession(app, "back", ({ standing }) => standing == "unsupported");
    figure(`from the restarted server to its page back, in ${here.engine.name}`, Date.now() - restartedAt);
    expect(after.session).toBe(session);
    await connected(page);
    await never("it is told again", () => gate.notices.length > 1, 1_500);
    expect(gate.outcomes.filter((is) => is == "shown")).toHaveLength(1);
    const welcomes = gate.received.filter(({ type }) => type == "welcome");
    expect(welcomes.map(({ standing }) => standing)).toEqual(["current", "unsupported"]);
    expect(site.navigations).toBe(1);

    site.deployed = B;
    await page.click(PRIMARY);
    await isRunning(page, B);
    await freshwire.theSession(app, "on B", (now) => now.build == B.build && now.session == session);
    expect(page.errors()).toEqual([]);
  },
);

inEveryEngine(
  "a page that has been told moves, though Freshwire is gone by then",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await deploy(freshwire, app, site, B);
    await cardSays(page, "CVE-2026-1234");
    const { session } = await freshwire.theSession(app, "shown it", ({ outcome }) => outcome == "shown");
    await movable(page);
    await freshwire.kill();
    await page.click(PRIMARY);
    await isRunning(page, B);
    await works(page);
    await freshwire.restart();
    await page.reload();
    await connected(page);
    const after = await freshwire.theSession(app, "on B", ({ build }) => build == B.build);
    expect(after).toMatchObject({ session, standing: "current" });
    expect(page.errors()).toEqual([]);
  },
);

/** What stands in the head, given an address where nobody listens and one where somebody does. */
const UNREACHABLE: Record<string, (dead: string, alive: string) => string> = {
  "a script tag": (dead) => `<script src="${dead}/freshwire.js" data-app="x" async></script>`,
  "a module": (dead) =>
    `<script type="module">import("${dead}/freshwire.mjs").catch(() => undefined);</script>`,
  "a script that there isn't": (_, alive) => `<script src="${alive}/no-such.js" data-app="x" async></script>`,
};

for (const [what, head] of Object.entries(UNREACHABLE)) {
  inEveryEngine(`the app starts and works with ${what} that can't be loaded`, async (here) => {
    const { tab, shop, freshwire } = here;
    const { site } = await shop(A);
    const dead = `http://127.0.0.1:${await quietPort()}`;
    site.head = ({ build }) =>
      `<meta name="freshwire-build" content="${build}" />${head(dead, freshwire.origin)}`;
    const page = await tab(site);
    await works(page);
    expect(page.errors()).toEqual([]);
  });
}

inEveryEngine(
  "connected to where nothing listens, the app works and may ask for all that there is",
  async ({ tab, shop, freshwire }) => {
    const made = await shop(A);
    connectWith(made, freshwire.origin, `url: "http://127.0.0.1:${await quietPort()}"`);
    const page = await tab(made.site);
    await page.until(
      "it waits for another try",
      () =>
        (window as never as { freshwire?: { status: { connection: string } } }).freshwire?.status
          .connection == "waiting",
    );
    await works(page);
    await page.evaluate(() => {
      const { freshwire } = window as never as {
        freshwire: { refresh(): void; snooze(): void; hold(why: string): () => void };
      };
      freshwire.hold("a draft")();
      freshwire.refresh();
      freshwire.snooze();
    });
    await works(page);
    expect((await testimony(page)).errors).toEqual([]);
    expect(page.errors()).toEqual([]);
  },
);

for (const [how, head] of [
  ["the script tag", undefined],
  ["the module", '<script type="module" src="/module.js"></script>'],
] as const) {
  inEveryEngine(
    `with ${how}, under a strict policy the page is moved, and nothing is reported`,
    async ({ tab, shop, freshwire }) => {
      const { app, site } = await shop(A);
      if (head) {
        site.head = ({ build }) => `<meta name="freshwire-build" content="${build}" />${head}`;
        site.files["/module.js"] =
          `import { connect } from "${freshwire.origin}/freshwire.mjs"; connect({ app: "${app}" });`;
      }
      site.policy = [
        "default-src 'none'",
        `script-src 'self' ${freshwire.origin}`,
        "style-src 'self'",
        // Firefox and WebKit look for a favicon, and report it as the page's.
        "img-src 'self'",
        `connect-src 'self' ${freshwire.origin} ws://${freshwire.address}`,
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ].join("; ");
      const violations = () => (window as never as { violations: string[] }).violations;
      const page = await tab(site);
      await freshwire.theSession(app, "on A", ({ build }) => build == A.build);
      await freshwire.release(app, B, { severity: "silent" });
      await freshwire.minimum(app, B);
      await cardSays(page, "CVE-2026-1234");
      // It has its looks, though no style of the page's own may be written into it.
      expect(await page.evaluate(widthOf, CARD)).toBe(380);
      // Held up by its origin first: the look, the report and the card's changes.
      await page.click(PRIMARY);
      await cardSays(page, "available here yet");
      expect(await page.evaluate(violations)).toEqual([]);
      site.deployed = B;
      await page.click(PRIMARY);
      await isRunning(page, B);
      await freshwire.theSession(app, "on B", ({ build }) => build == B.build);
      expect(await page.evaluate(violations)).toEqual([]);
      expect(page.console().filter((line) => /Content.Security.Policy|Trusted/i.test(line))).toEqual([]);
      expect(page.errors()).toEqual([]);
    },
  );
}

/** In the page. */
function widthOf(selector: string): number {
  const [host, inner] = selector.split(" >> ") as [string, string];
  return document.querySelector(host)!.shadowRoot!.querySelector(inner)!.getBoundingClientRect().width;
}
