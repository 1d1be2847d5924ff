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

/** Time goes by `times` as fast for the page. */
export const HURRIED = (times: number) => `<script>
{
  const { setTimeout } = window;
  const now = Date.now;
  const born = now();
  window.setTimeout = (run, ms = 0, ...rest) => setTimeout(run, ms / ${times}, ...rest);
  Date.now = () => born + (now() - born) * ${times};
}
</script>`;
