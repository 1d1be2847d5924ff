/** Whatever is wrong, the app goes on as if the snippet weren't there, and one console line names the cure. */

import { expect } from "vitest";
import { behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { connectWith } from "../src/engines/connected-by-hand.js";
import type { Tab } from "../src/engines/engine.js";
import { Gate, gated } from "../src/engines/gate.js";
import { connected } from "../src/engines/snippet.js";
import { WITNESS, testimony } from "../src/engines/witness.js";
import { A, B } from "../src/freshwire.js";
import { never, until } from "../src/until.js";

interface Page {
  freshwire: {
    status: { connection: string; standing: string; notice: unknown };
    on(event: string, listener: () => void): void;
  };
}

/** The app takes input and counts tins, nobody's error is uncaught, and there is one line, which says this. */
async function goesOn(page: Tab, line: RegExp): Promise<void> {
  await until("it is said", async () => (await testimony(page)).lines.length > 0);
  const tins = () => page.evaluate(() => Number(document.querySelector("#tins")!.textContent));
  const before = await tins();
  await page.type("#note", "tea");
  await page.click("#count");
  expect(await tins()).toBe(before + 1);
  await never("it is said again", async () => (await testimony(page)).lines.length > 1, 1_500);
  const { lines, errors } = await testimony(page);
  expect(lines[0]).toMatch(line);
  expect(errors).toEqual([]);
}

/** The server knows it a moment before the page. */
const knowsThatItIsStale = (page: Tab) =>
  page.until(
    "it knows that it is stale",
    () => (window as never as Page).freshwire.status.standing == "stale",
  );

const NO_APP = /^freshwire: not connected: set the app$/;
const MISSING: Record<string, [change: (tag: string) => string, line: RegExp]> = {
  "without the app": [(tag) => tag.replace(/ data-app="[^"]*"/, ""), NO_APP],
  "without the build": [
    (tag) => tag.replace(/<meta name="freshwire-build"[^>]*>/, ""),
    /^freshwire: not connected: set the build$/,
  ],
  "without either": [(tag) => tag.replace(/<meta[^>]*>| data-app="[^"]*"/g, ""), NO_APP],
  "of empty names": [(tag) => tag.replace(/(content|data-app)="[^"]*"/g, '$1=""'), NO_APP],
};

for (const [how, [change, line]] of Object.entries(MISSING)) {
  behaviour(`a tag ${how} connects to nothing, and says what is missing`, async (here) => {
    const { site, gate } = await gated(here);
    const { head } = site;
    site.head = (build) => WITNESS + change(head(build));
    const page = await here.tab(site);
    await page.until("the script has run", () => "freshwire" in window);
    await goesOn(page, line);
    expect(gate.asked).toBe(0);
  });
}

behaviour("a module without the server's address says so", async ({ tab, shop, freshwire }) => {
  const made = await shop(A);
  connectWith(made, freshwire.origin, 'url: "http://"');
  const page = await tab(made.site);
  await goesOn(page, /^freshwire: not connected: set the url$/);
});

behaviour("an app that the server doesn't know is named, and the server isn't hammered", async (here) => {
  const { freshwire, tab } = here;
  const { app, site, gate } = await gated(here);
  site.head = (build) =>
    WITNESS + site.tag(build, "never-heard-of").replaceAll(freshwire.origin, gate.origin);
  const page = await tab(site);
  await goesOn(page, /^freshwire: no connection to ws:.*4004.*see connect-src, app$/);
  expect(await page.evaluate(() => (window as never as Page).freshwire.status.connection)).toBe("waiting");
  await never("it asks again", () => gate.asked > 1, 1_500);
  expect(await freshwire.sessions(app)).toEqual([]);
});

/** The page isn't idle before something was said: on a busy machine it may be so before its socket has failed. */
const IDLE_LATER = `<script>
window.requestIdleCallback = (run) => {
  const look = setInterval(() => {
    if (!window.testimony.lines.length) return;
    clearInterval(look);
    run();
  }, 20);
};
</script>`;

inEveryEngine(
  "a server that can't be reached is named once",
  {
    except: {
      webkit: "it is never idle: the part is asked for before the socket has failed, and each is named",
    },
  },
  async ({ tab, shop, freshwire }) => {
    const made = await shop(A);
    const gate = await Gate.start(freshwire);
    gate.cut();
    // The code is there, from wherever it was bundled; the server is not.
    connectWith(made, freshwire.origin, `url: "${gate.origin}"`);
    const { head } = made.site;
    made.site.head = (build) => IDLE_LATER + head(build);
    const page = await tab(made.site);
    await goesOn(page, /^freshwire: no connection to ws:\/\/127\.0\.0\.1:\d+.*see connect-src/);
  },
);

for (const blocked of ["sessionStorage", "localStorage"]) {
  inEveryEngine(`a ${blocked} that throws doesn't keep a page from being connected`, async (here) => {
    const { tab, shop, freshwire } = here;
    const { app, site } = await shop(A);
    const throwing = `<script>
Object.defineProperty(window, "${blocked}", { get() { throw new DOMException("denied", "SecurityError"); } });
</script>`;
    site.head = (build) => WITNESS + throwing + site.tag(build);
    const page = await tab(site);
    await connected(page);
    if (blocked == "sessionStorage") await goesOn(page, /^freshwire: storage is blocked: allow it$/);
    await freshwire.release(app, B, { severity: "important", over: "0s" });
    await page.until("it is told", () => (window as never as Page).freshwire.status.notice != null);
    await page.click("[data-freshwire] >> .secondary");
    await freshwire.theSession(app, "snoozed", ({ outcome }) => outcome == "snoozed");
    expect((await testimony(page)).errors).toEqual([]);
    expect((await testimony(page)).lines).toHaveLength(blocked == "sessionStorage" ? 1 : 0);
  });
}

const FRAMES = {
  "a frame that is no JSON": ["{no json", /^freshwire: malformed frame/],
  "a frame that is nothing": ["null", /^freshwire: malformed frame/],
  "an action that it doesn't know": [
    JSON.stringify({
      type: "notice",
      notice: 99,
      run: 99,
      step: 0,
      action: "beam_up",
      build: B.build,
    }),
    /^freshwire: unknown action "beam_up": update me$/,
  ],
} as const;

for (const [what, [frame, line]] of Object.entries(FRAMES)) {
  behaviour(`${what} is passed over`, async (here) => {
    const { tab, freshwire } = here;
    const { app, site, gate } = await gated(here, WITNESS);
    const page = await tab(site);
    await connected(page);
    await freshwire.release(app, B, { severity: "silent" });
    // A notice of a build that the page hasn't heard of would be of no use to it.
    await knowsThatItIsStale(page);
    gate.say(frame);
    // Said twice, warned of once.
    gate.say(frame);
    await goesOn(page, line);
    expect(await page.evaluate(() => (window as never as Page).freshwire.status.connection)).toBe("open");
    expect(gate.opened).toBe(1);
    expect(site.navigations).toBe(1);
  });
}

behaviour("a type of frame that it doesn't know is passed over in silence", async (here) => {
  const { tab, freshwire } = here;
  const { app, site, gate } = await gated(here, WITNESS);
  const page = await tab(site);
  await connected(page);
  gate.say('{"type":"from_the_future","beam":"up"}');
  // What comes after it counts.
  await freshwire.release(app, B, { severity: "silent" });
  await knowsThatItIsStale(page);
  expect(await testimony(page)).toEqual({ lines: [], errors: [] });
});

behaviour("a close code that it doesn't know goes by its range", async (here) => {
  const { tab, freshwire } = here;
  const { app, site, gate } = await gated(here, WITNESS);
  const page = await tab(site);
  await connected(page);
  const { session } = await freshwire.theSession(app, "there", () => true);
  gate.close(4177);
  await until("it is back", () => gate.opened == 2);
  await connected(page);
  expect((await freshwire.theSession(app, "back", () => true)).session).toBe(session);
  // Asked to stay away: not by coming online either.
  gate.close(4077);
  await page.until("it knows", () => (window as never as Page).freshwire.status.connection == "waiting");
  await page.evaluate(() => void dispatchEvent(new Event("online")));
  await never("it comes back", () => gate.opened > 2, 2_000);
  expect(await testimony(page)).toEqual({ lines: [], errors: [] });
});

behaviour("a handler that throws is named, and the others are called", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  site.head = (build) => WITNESS + site.tag(build);
  const page = await tab(site);
  await connected(page);
  await page.evaluate(() => {
    const own = window as never as Page & { told: number };
    own.told = 0;
    own.freshwire.on("status", () => {
      throw new Error("the app's own mistake");
    });
    own.freshwire.on("status", () => own.told++);
  });
  await freshwire.release(app, B, { severity: "silent" });
  await page.until("the other is told", () => (window as never as { told: number }).told > 0);
  await goesOn(page, /^freshwire: your "status" listener threw Error: the app's own mistake$/);
});
