/** The snippet's side of a page: what it says of itself, its card, and the build that the page runs. */

import type { Build } from "../freshwire.js";
import { hasActed } from "../parts.js";
import type { Wait } from "./clock.js";
import type { Tab } from "./engine.js";

interface Snippet {
  status?: { connection: string; standing: string };
  hold(reason: string): () => void;
  saved?(): void;
}
type Page = { freshwire?: Snippet; release?: () => void };

export const CARD = "[data-freshwire] >> .card";
export const PRIMARY = "[data-freshwire] >> .primary";
export const SECONDARY = "[data-freshwire] >> .secondary";

/** How a page is: for whoever has to find out why something else was awaited. */
export const glance = (tab: Tab) =>
  tab.evaluate(() => {
    const { status } = (window as never as Page).freshwire ?? {};
    const root = document.querySelector("[data-freshwire]")?.shadowRoot;
    return {
      at: location.href,
      visibility: document.visibilityState,
      build: document.querySelector<HTMLElement>("[data-build]")?.dataset.build,
      connection: status?.connection,
      standing: status?.standing,
      card: root?.querySelector<HTMLElement>(".card")?.innerText,
    };
  });

/** The page has been welcomed by the server. */
export const connected = (tab: Tab) =>
  tab.until("the page is connected", () => (window as never as Page).freshwire?.status?.connection == "open");

/** The part that sees what is typed has come: what was typed before is not known to it. */
export const attentive = (tab: Tab) => tab.until("the part is there that sees what is typed", hasActed);

/**
 * What moves the page is there: it can't be had any more once the server is gone. As text, or the test runner would
 * take the import for its own.
 */
export const movable = (tab: Tab) =>
  tab.until("what moves the page is there", () =>
    window.eval(`(async () => {
      const part = performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/go.mjs"));
      return !!part && !!(await import(part.name));
    })()`),
  );

/** The app itself takes input, which it saves at once, and counts tins. */
export async function works(tab: Tab): Promise<void> {
  const tins = () => tab.evaluate(() => Number(document.querySelector("#tins")!.textContent));
  const before = await tins();
  await tab.type("#note", "tea");
  await tab.evaluate(() => (window as never as Page).freshwire?.saved?.());
  await tab.click("#count");
  if ((await tins()) != before + 1)
    throw new Error(`of ${before} tins and one more there are ${await tins()}`);
  const note = await tab.evaluate(() => document.querySelector("textarea")!.value);
  if (!note.includes("tea")) throw new Error(`the note doesn't say what was typed: ${note}`);
}

/** How long a page waits before it looks again: from 30 s on, doubling, with up to as much again at random on top. */
export function backoff(failures: number): Wait {
  const longerThan = 30_000 * 2 ** failures;
  return { longerThan, upTo: 2 * longerThan };
}

/** For the head: the document's language, and its direction. */
export const spoken = (lang: string) =>
  `<script>Object.assign(document.documentElement, { lang: "${lang}", dir: "${lang == "ar" ? "rtl" : "ltr"}" })</script>`;

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
