/** Heads of pages that connect by their own code, with options that a script tag's attributes can't give. */

import type { Build } from "../freshwire.js";
import type { Site } from "../site.js";
import type { Tab } from "./engine.js";
import { WITNESS } from "./witness.js";

/** Makes the shop's pages `connect` with these options, JavaScript that may use `note(…)` to be read by `noted`. */
export function connectWith(
  { app, site }: { app: string; site: Site },
  freshwire: string,
  options: string,
): void {
  site.head = ({ build, version }: Build) => `${WITNESS}<meta name="freshwire-build" content="${build}" />
<script>
window.noted = [];
window.note = (what) => void window.noted.push(what);
</script>
<script type="module">
import { connect } from "${freshwire}/freshwire.mjs";
window.freshwire = connect({ app: "${app}", version: "${version}", ${options} });
</script>`;
}

/** What the page has noted. */
export const noted = <T>(tab: Tab) => tab.evaluate(() => (window as never as { noted: T[] }).noted);
