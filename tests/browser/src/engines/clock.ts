/**
 * A page's own time, made to fly, or to stand still until it is put forward: the same in every engine. What the server
 * and the browser take stays as long as it is.
 */

import type { Site } from "../site.js";
import { until } from "../until.js";
import type { Tab } from "./engine.js";

/** Runs before everything else in the page: `setTimeout` and `Date.now` go by a time that can be put forward. */
const script = (still: boolean) => `
(() => {
  const { setTimeout: set, clearTimeout: clear } = window;
  const born = Date.now();
  const now = ${still ? "() => born" : "Date.now"};
  const timers = new Map();
  let ahead = 0;
  let last = 1e6;
  const arm = (id, timer) => {
    const ms = Math.max(0, timer.at - Date.now());
    if (ms && ${still}) return;
    timer.real = set(() => {
      timers.delete(id);
      timer.run();
    }, ms);
  };
  Date.now = () => now() + ahead;
  window.setTimeout = (fn, ms = 0, ...args) => {
    const timer = { at: Date.now() + (Number(ms) || 0), run: () => fn(...args) };
    timers.set(++last, timer);
    arm(last, timer);
    return last;
  };
  window.clearTimeout = (id) => {
    clear(timers.get(id)?.real);
    timers.delete(id);
  };
  const jump = (ms) => {
    ahead += ms;
    for (const [id, timer] of timers) {
      clear(timer.real);
      arm(id, timer);
    }
  };
  window.clock = {
    // Not at once: WebKit's driver times the very evaluation that asks for it by the page's own timers.
    skip: (ms) => void set(jump, 5, ms),
    waits: (least, most) =>
      [...timers.values()].some(({ at }) => at - Date.now() > least && at - Date.now() < most),
    /** Second by second, as for somebody who looks on. */
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 1000) {
        await new Promise((done) => set(done, 5));
        jump(1000);
      }
    },
  };
})();
`;

interface Clocked {
  clock: {
    skip(ms: number): void;
    pass(ms: number): Promise<void>;
    waits(least: number, most: number): boolean;
  };
}

/** In a document's head, before all else: its clock stands still. */
export const STILL_CLOCK = `<script>${script(true)}</script>`;

/** The site's pages get a clock of their own from now on. */
export const withClock = (site: Site) => clocked(site, false);

/** The same, of a clock that stands still: what a card says of it is there however late somebody looks. */
export const withStillClock = (site: Site) => clocked(site, true);

function clocked(site: Site, still: boolean): void {
  site.files["/clock.js"] = script(still);
  const { head } = site;
  site.head = (build) => `<script src="/clock.js"></script>\n${head(build)}`;
}

/** All at once, as for a page that slept. */
export const skip = (tab: Tab, ms: number) =>
  tab.evaluate((ms) => (window as never as Clocked).clock.skip(ms), ms);

/** How long the page may wait for something. A clock that stands still tells it exactly. */
export interface Wait {
  longerThan: number;
  upTo: number;
}

/** Whether the page waits so long for something; a document that is just being left waits for nothing. */
export const waits = (tab: Tab, { longerThan, upTo }: Wait): Promise<boolean> =>
  tab
    .evaluate((least, most) => (window as never as Clocked).clock.waits(least, most), longerThan, upTo + 1)
    .catch(() => false);

/** What it waits for may depend on an answer that is still on its way. */
export const waitBegins = (tab: Tab, wait: Wait) =>
  until(`it waits for ${wait.longerThan} to ${wait.upTo} ms`, () => waits(tab, wait));

export async function skipOver(tab: Tab, wait: Wait): Promise<void> {
  await waitBegins(tab, wait);
  await skip(tab, wait.upTo);
}

/** Second by second. Begun, not awaited: it may bring a reload. */
export const pass = (tab: Tab, ms: number) =>
  tab.evaluate((ms) => void (window as never as Clocked).clock.pass(ms), ms);
