/** The snippet's side of a page: what it says of itself, its card, and the build that the page runs. */

import type { Build } from "../freshwire.js";
import { hasActed } from "../parts.js";
import type { Tab } from "./engine.js";

interface Snippet {
  status?: { connection: string; standing: string };
  hold(reason: string): () => void;
}
type Page = { freshwire?: Snippet; release?: () => void };

export const CARD = "[data-freshwire] >> .card";
export const PRIMARY = "[data-freshwire] >> .primary";
export const SECONDARY = "[data-freshwire] >> .secondary";

/** The page has been welcomed by the server. */
export const connected = (tab: Tab) =>
  tab.until("the page is connected", () => (window as never as Page).freshwire?.status?.connection == "open");

/** The part that sees what is typed has come: what was typed before is not known to it. */
export const attentive = (tab: Tab) => tab.until("the part is there that sees what is typed", hasActed);

export const disconnected = (tab: Tab) =>
  tab.until(
    "the page knows that it isn't connected",
    () => (window as never as Page).freshwire?.status?.connection != "open",
  );

export const isRunning = (tab: Tab, { build }: Build) =>
  tab.until(
    `the page runs ${build}`,
    (build) => document.querySelector<HTMLElement>("#build")?.dataset.build == build,
    build,
  );

export const hold = (tab: Tab, reason: string) =>
  tab.evaluate((reason) => {
    const page = window as never as Page;
    page.release = page.freshwire!.hold(reason);
  }, reason);

export const release = (tab: Tab) => tab.evaluate(() => (window as never as Page).release!());

/** The words on the card, once they have some in them that are awaited. */
export const cardSays = (tab: Tab, words: string) =>
  tab.until(
    `the card says “${words}”`,
    (words) => {
      const card = document
        .querySelector("[data-freshwire]")
        ?.shadowRoot?.querySelector<HTMLElement>(".card");
      const text = card && card.getBoundingClientRect().height > 0 ? card.innerText : "";
      return text.includes(words) && text;
    },
    words,
  );
