/** What the behaviours ask of a browser, so that each is written once and holds in every engine. */

import { shown, until, type Truthy } from "../until.js";

export const ENGINES = ["chromium", "firefox", "firefox-without-navigation", "webkit"] as const;
export type EngineName = (typeof ENGINES)[number];

/** What a look into it has shown. */
export interface Looked {
  version: string;
  /** It has the Navigation API. */
  navigation: boolean;
}

declare module "vitest" {
  interface ProvidedContext {
    looked: Partial<Record<EngineName, Looked>>;
  }
}

export interface Engine {
  readonly name: EngineName;
  readonly version: string;
  /** A user: cookies and storage of their own. */
  profile(): Promise<Profile>;
  close(): Promise<void>;
}

export interface Profile {
  /** A tab in front of the others, which are hidden from then on. */
  tab(url?: string): Promise<Tab>;
  close(): Promise<void>;
}

/** What is awaited, and how long when that is more than the usual patience. */
export type Awaited = string | { what: string; within: number };

/** Selectors may go through one open shadow root: `[data-freshwire] >> .primary`. */
export interface Tab {
  goto(url: string): Promise<void>;
  /**
   * Runs it in the page's own world. Arguments and result are JSON. It must be harmless when repeated: Firefox runs it
   * again in the next document if this one is left before its promise is settled.
   */
  evaluate<T, A extends unknown[]>(fn: (...args: A) => T | Promise<T>, ...args: A): Promise<T>;
  /** Evaluates until the answer is truthy, over all reloads and navigations in between. */
  until<T, A extends unknown[]>(
    what: Awaited,
    fn: (...args: A) => T | Promise<T>,
    ...args: A
  ): Promise<Truthy<T>>;
  /** Waits until it is in view, still, and not covered; then presses the mouse on its middle. The tab must be in front. */
  click(selector: string): Promise<void>;
  /** Clicks the field, then presses a key for each character. */
  type(selector: string, text: string): Promise<void>;
  /** A key by its DOM name, with modifiers before it: `Escape`, `Shift+Tab`. */
  press(key: string): Promise<void>;
  /** Before the profile's other tabs, which are hidden from then on. */
  front(): Promise<void>;
  reload(): Promise<void>;
  /** Back in its history: from the back/forward cache if the page is in there. */
  back(): Promise<void>;
  /** The same document in a tab in front of this one, which inherits a copy of its `sessionStorage`. */
  duplicate(): Promise<Tab>;
  /** Errors that nobody caught, where the engine tells; WebKit tells nothing. */
  errors(): string[];
  /** What the console says, where the engine tells; WebKit tells nothing. */
  console(): string[];
  /** The dialogs that were shown, by their type; nobody answers them. WebKit tells nothing. */
  dialogs(): string[];
  close(): Promise<void>;
}

/** `Tab.until`, the same for all. */
export function untilInPage<T, A extends unknown[]>(
  tab: Pick<Tab, "evaluate">,
  awaited: Awaited,
  fn: (...args: A) => T | Promise<T>,
  ...args: A
): Promise<Truthy<T>> {
  const { what, within } = typeof awaited == "string" ? { what: awaited, within: undefined } : awaited;
  return until(what, () => tab.evaluate(fn, ...args), within) as Promise<Truthy<T>>;
}

export interface Spot {
  x: number;
  y: number;
}

/** The middle of the element in the viewport, once it is in view, still, and not covered. */
export async function spotOf(tab: Pick<Tab, "evaluate">, selector: string): Promise<Spot> {
  let last: Spot | string = "";
  return until(`${selector} can be clicked`, async () => {
    const before = last;
    last = await tab.evaluate(look, selector).catch(String);
    if (typeof before == "string" || typeof last == "string") return undefined;
    return before.x == last.x && before.y == last.y && last;
  }).catch((error: Error) => {
    error.message += `; ${shown(last)}`;
    throw error;
  });
}

/** In the page: where it is, or why it can't be clicked. */
function look(selector: string): Spot | string {
  if (document.visibilityState == "hidden") return "its tab is hidden: bring it to the front";
  const [host, inner] = selector.split(" >> ") as [string, string?];
  const root = inner ? document.querySelector(host)?.shadowRoot : document;
  const element = root?.querySelector(inner ?? host);
  if (!root || !element) return "it isn't there";
  element.scrollIntoView({ block: "nearest", inline: "nearest" });
  const { left, top, width, height } = element.getBoundingClientRect();
  if (width == 0 || height == 0) return "it isn't in view";
  const spot = { x: Math.round(left + width / 2), y: Math.round(top + height / 2) };
  const hit = root.elementFromPoint(spot.x, spot.y);
  return hit && element.contains(hit) ? spot : `it is covered by ${hit?.outerHTML.slice(0, 80)}`;
}

/** In the page: a button whose press opens the same document again. Browsers open no tab without a press. */
export function offerDuplicate(id: string): void {
  const button = document.createElement("button");
  button.id = id;
  button.textContent = "Duplicate";
  Object.assign(button.style, { position: "fixed", top: "0", left: "0", zIndex: "2147483647" });
  button.onclick = () => {
    button.remove();
    window.open(location.href);
  };
  document.body.append(button);
}
