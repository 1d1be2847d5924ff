/** What a page says to the console and what nobody caught, kept by the page itself: so WebKit tells it too. */

import type { Tab } from "./engine.js";

export interface Testimony {
  /** The snippet's own lines. */
  lines: string[];
  errors: string[];
}

/** For the head, before all other scripts. */
export const WITNESS = `<script>
window.testimony = { lines: [], errors: [] };
for (const kind of ["log", "info", "warn", "error"]) {
  const say = console[kind];
  console[kind] = (...words) => {
    if (/^freshwire/.test(words[0])) window.testimony.lines.push(words.map(String).join(" "));
    say.apply(console, words);
  };
}
addEventListener("error", (event) => event.message && window.testimony.errors.push(event.message));
addEventListener("unhandledrejection", (event) => window.testimony.errors.push(String(event.reason)));
</script>`;

export const testimony = (tab: Tab) =>
  tab.evaluate(() => (window as never as { testimony: Testimony }).testimony);
