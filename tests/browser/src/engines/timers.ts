/** What a page's timers do: counted, or hurried along. Both are for the head, before all other scripts. */

import type { Tab } from "./engine.js";

export interface Timers {
  /** Repeating ones that were ever set. */
  intervals: number;
  /** One-shot ones that went off. */
  wakeups: number;
}

/** Counts timers of any script but the test's own. */
export const COUNTED = `<script>
window.timers = { intervals: 0, wakeups: 0 };
{
  const { setTimeout, setInterval } = window;
  window.setTimeout = (run, ms, ...rest) => setTimeout((...args) => {
    window.timers.wakeups++;
    run(...args);
  }, ms, ...rest);
  window.setInterval = (...args) => {
    window.timers.intervals++;
    return setInterval(...args);
  };
}
</script>`;

export const timers = (tab: Tab) =>
  tab.evaluate(() => ({ ...(window as never as { timers: Timers }).timers }));

interface Hurried {
  hurry(times: number): void;
}

/** Time may go by faster for the page: timers that are set, and its clock. */
export const HURRIED = `<script>
{
  const { setTimeout } = window;
  const now = Date.now;
  let pace = 1;
  let since = now();
  let gone = since;
  Date.now = () => gone + (now() - since) * pace;
  window.setTimeout = (run, ms = 0, ...rest) => setTimeout(run, ms / pace, ...rest);
  window.hurry = (times) => {
    gone = Date.now();
    since = now();
    pace = times;
  };
}
</script>`;

/** From now on, `times` as fast. What has to be answered in time by somebody else is not to be hurried. */
export const hurry = (tab: Tab, times: number) =>
  tab.evaluate((times) => (window as never as Hurried).hurry(times), times);
