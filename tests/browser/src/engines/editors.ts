/** Real editors, each on a page of its own, and all the ways to change what stands in them. */

import { buildEditors } from "../../../apps/editors/build.mjs";
import { A, type Freshwire } from "../freshwire.js";
import type { Site } from "../site.js";
import { seen, until } from "../until.js";
import { holdsAre } from "./app.js";
import type { Here } from "./behaviour.js";
import { compose, drop } from "./cdp.js";
import type { EngineName, Tab } from "./engine.js";
import { attentive, connected } from "./snippet.js";

export const UNSAVED = "unsaved input";
const EDITOR = "#editor";
/** What is the editor's own answer to a key may come a moment later; and so may a hold that waits for that answer. */
const ANSWERS_WITHIN_MS = 1_000;

interface Page {
  editor?: { text(): string; open?(): void };
  freshwire: { hold(reason: string): () => void; saved(): void };
  unfence(): void;
}

/** Built once, however often it is asked for. */
let built: ReturnType<typeof buildEditors> | undefined;

/** The site's pages have this editor from now on. */
async function withEditor(site: Site, name: string): Promise<void> {
  const files = await (built ??= buildEditors());
  const [script, style] = [`/editors/${name}.js`, `/editors/${name}.css`];
  if (!files[script]) throw new Error(`there is no editor ${name}`);
  Object.assign(site.files, files);
  const { head } = site;
  site.head = (build) =>
    [
      files[style] ? `<link rel="stylesheet" href="${style}" />` : "",
      `<script type="module" src="${script}"></script>`,
      head(build),
    ].join("\n");
}

export interface Opened {
  app: string;
  site: Site;
  page: Tab;
}

/** A page with this editor; it sees what is typed, and the caret is at the end of the text. */
export async function openEditor(
  { shop, tab }: Here,
  name: string,
  change: (site: Site) => void = () => undefined,
): Promise<Opened> {
  const { app, site } = await shop(A);
  await withEditor(site, name);
  change(site);
  const page = await tab(`${site.origin}/editor/${name}`);
  await connected(page);
  await attentive(page);
  await page.until("the editor is there", () => "editor" in window);
  await page.evaluate(() => (window as never as Page).editor!.open?.());
  await page.until("it has its text", () => (window as never as Page).editor!.text().includes("Hello world"));
  await toTheEnd(page);
  return { app, site, page };
}

async function toTheEnd(page: Tab): Promise<void> {
  await page.click(EDITOR);
  await page.press("Control+End");
}

export const text = (page: Tab) => page.evaluate(() => (window as never as Page).editor!.text());

/** In and out, about and along, by mouse and keys: nothing of it changes anything. */
export async function lookAround(page: Tab): Promise<void> {
  for (const key of ["ArrowLeft", "ArrowUp", "Shift+ArrowRight", "PageDown", "Home", "Shift", "Escape"])
    await page.press(key);
  await page.press("Control+a");
  await page.press("Control+c");
  await page.evaluate(() => {
    document.querySelector("#editor")!.scrollBy(0, 10);
    scrollBy(0, 10);
  });
  await page.click("h1");
  await page.evaluate(() => {
    history.pushState(null, "", "/elsewhere");
    history.back();
  });
  await toTheEnd(page);
}

/** Puts text on the clipboard, as a user does. */
async function copySomething(page: Tab): Promise<void> {
  // Focus first: an editor that still has it would take the selection back.
  await page.click("h1");
  await page.evaluate(() => {
    (document.activeElement as HTMLElement).blur();
    getSelection()!.selectAllChildren(document.querySelector("h1")!);
  });
  await page.press("Control+c");
}

export interface Way {
  /** What comes before, and is saved. */
  first?: (page: Tab) => Promise<void>;
  act: (page: Tab) => Promise<void>;
}

/** In this order: each leaves something for the next. */
export const WAYS = {
  Backspace: { act: (page) => page.press("Backspace") },
  letter: { act: (page) => page.press("x") },
  Enter: { act: (page) => page.press("Enter") },
  paste: {
    first: async (page) => {
      await copySomething(page);
      await toTheEnd(page);
    },
    act: (page) => page.press("Control+v"),
  },
  undo: { act: (page) => page.press("Control+z") },
  composition: { act: (page) => compose(page, "ni", "に") },
  drop: { act: (page) => drop(page, EDITOR, "tea") },
  cut: {
    first: (page) => page.press("Control+a"),
    act: (page) => page.press("Control+x"),
  },
  delete: {
    first: async (page) => {
      await page.press("y");
      await page.press("Control+a");
    },
    act: (page) => page.press("Delete"),
  },
} satisfies Record<string, Way>;

export type WayName = keyof typeof WAYS;

/** Why an engine has no such way. */
export const LACKING: Partial<Record<EngineName, Partial<Record<WayName, string>>>> = {
  firefox: { composition: "its driver has no input method", drop: "its driver drops nothing" },
  webkit: { composition: "its driver has no input method", drop: "its driver drops nothing" },
};

export type Outcome = "held" | "NOT HELD" | "NO CHANGE";

/** Goes one way, and looks whether it holds the page. Afterwards all is saved. */
export async function goOneWay(freshwire: Freshwire, { app, page }: Opened, way: Way): Promise<Outcome> {
  if (way.first) {
    await way.first(page);
    await save(freshwire, app, page);
  }
  const before = await text(page);
  await way.act(page);
  const changed = await seen(
    "the text changes",
    () => text(page),
    (now) => now != before,
    ANSWERS_WITHIN_MS,
  ).catch(() => false);
  if (changed === false) return "NO CHANGE";
  const held = await holds(freshwire, app, page);
  await save(freshwire, app, page);
  return held ? "held" : "NOT HELD";
}

/** Whether the page holds. What it told before a fence has come when the fence has: a busy machine changes no answer. */
export async function holds(freshwire: Freshwire, app: string, page: Tab): Promise<boolean> {
  await page.evaluate(() => {
    const own = window as never as Page;
    own.unfence = own.freshwire.hold("fence");
  });
  const fenced = await freshwire.theSession(app, "fenced", ({ holds }) => holds.includes("fence"));
  const held =
    fenced.holds.includes(UNSAVED) ||
    (await until(
      "it holds late",
      async () => (await freshwire.sessions(app))[0]!.holds.includes(UNSAVED),
      ANSWERS_WITHIN_MS,
    ).catch(() => false));
  await page.evaluate(() => (window as never as Page).unfence());
  return held;
}

export async function save(freshwire: Freshwire, app: string, page: Tab): Promise<void> {
  await page.evaluate(() => (window as never as Page).freshwire.saved());
  await holdsAre(freshwire, app, []);
}
