/** What is carried across a refresh: the app's keeps, and where on the page the user was. */

import type { Kept } from "../core/keep.js";
import type { Host } from "../core/part.js";
import { warn } from "../core/warn.js";

const SAVE_MS = 1_500;
/** What was saved within this is still what the user had. */
const JUST_MS = 10_000;
/** Of one keep, in characters of JSON; a browser gives a tab some 5 million. */
const LARGEST = 500_000;
/** An app may need as long until what was scrolled to is there again. */
const SETTLE_MS = 3_000;

const put = ({ store }: Host, name: string, of: string, state: unknown) => {
  const kept: Kept | undefined = state === undefined ? undefined : { at: Date.now(), of, state };
  if (kept && JSON.stringify(state).length > LARGEST) throw new Error("too large");
  if (!store.set("keep:" + name, kept) && kept) throw new Error("storage is blocked or full");
};

/** Asks every keep for its state. Returns the names of those that couldn't be saved. */
export async function saveKeeps(host: Host): Promise<string[]> {
  const lost: string[] = [];
  await Promise.all(
    [...host.keeps].map(async ([name, { save, of }]) => {
      try {
        const saving = save();
        const late = new Promise<never>((_, no) => setTimeout(no, SAVE_MS, new Error("too slow")));
        put(host, name, of, await Promise.race([saving, late]));
      } catch (error) {
        lost.push(name);
        warn(`keep("${name}") can't be saved`, error);
      }
    }),
  );
  return lost;
}

/** What can be had while the page goes. What takes longer is as it was saved a moment ago, or isn't kept. */
export function saveAtOnce(host: Host): void {
  for (const [name, { save, of }] of host.keeps) {
    try {
      const state = save() as Promise<unknown>;
      const isLate = typeof state?.then == "function";
      if (!isLate) put(host, name, of, state);
      else {
        state.then(undefined, () => {});
        const { at = 0 } = host.store.get<Kept>("keep:" + name) ?? {};
        if (Date.now() - at > JUST_MS) host.store.set("keep:" + name, undefined);
      }
    } catch (error) {
      warn(`keep("${name}") can't be saved`, error);
    }
  }
}

interface Place {
  href: string;
  y: number;
  /** A selector. */
  focus: string | undefined;
  /** What is scrolled within the page, by selector: from the left, from the top. */
  within: [selector: string, x: number, y: number][];
}

/** Scrolled parts that are remembered. */
const MOST_PARTS = 10;

/** By its ID or name, or else by where it stands. */
function selectorOf(element: Element): string {
  const { id, parentElement } = element;
  if (id) return `#${CSS.escape(id)}`;
  if (!parentElement) return element.localName;
  return `${selectorOf(parentElement)}>:nth-child(${[...parentElement.children].indexOf(element) + 1})`;
}

export function savePlace({ store }: Host): void {
  const { id, name } = (document.activeElement ?? {}) as HTMLInputElement;
  const focus = id ? `#${CSS.escape(id)}` : name ? `[name="${CSS.escape(name)}"]` : undefined;
  const within = [...document.body.querySelectorAll("*")]
    .filter(({ scrollTop, scrollLeft }) => scrollTop || scrollLeft)
    .slice(0, MOST_PARTS)
    .map((part): Place["within"][0] => [selectorOf(part), part.scrollLeft, part.scrollTop]);
  store.set("place", { href: location.href, y: scrollY, focus, within } satisfies Place);
}

/** Until the page is as long as it was, or the user has gone on by themselves. */
export function restorePlace({ store, on }: Host): void {
  const place = store.take<Place>("place");
  if (place?.href != location.href) return;
  const { y, focus, within = [] } = place;
  const end = Date.now() + SETTLE_MS;
  let theirs = false;
  for (const event of ["wheel", "pointerdown", "keydown"]) on(window, event, () => (theirs = true));
  const restore = () => {
    if (theirs) return;
    const element = focus ? document.querySelector<HTMLElement>(focus) : undefined;
    const there = document.documentElement.scrollHeight >= y + innerHeight;
    if (document.activeElement == document.body) element?.focus({ preventScroll: true });
    if (there) scrollTo(scrollX, y);
    const missing = within.filter(([selector, left, top]) => {
      const part = document.querySelector(selector);
      part?.scrollTo(left, top);
      return !part || part.scrollTop < Math.floor(top);
    });
    if ((!there || missing.length || (focus && !element)) && Date.now() < end) setTimeout(restore, 100);
  };
  restore();
}
