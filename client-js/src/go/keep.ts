/** What is carried across a refresh: the app's keeps, and where on the page the user was. */

import type { Kept } from "../core/keep.js";
import type { Host } from "../core/part.js";
import { warn } from "../core/warn.js";

const SAVE_MS = 1_500;
/** Of one keep, in characters of JSON; a browser gives a tab some 5 million. */
const LARGEST = 500_000;
/** An app may need as long until what was scrolled to is there again. */
const SETTLE_MS = 3_000;

/** Asks every keep for its state. Returns the names of those that couldn't be saved. */
export async function saveKeeps({ store, keeps }: Host): Promise<string[]> {
  const lost: string[] = [];
  await Promise.all(
    [...keeps].map(async ([name, { save, of }]) => {
      try {
        const saving = save();
        const late = new Promise<never>((_, no) => setTimeout(no, SAVE_MS, new Error("too slow")));
        const state = await Promise.race([saving, late]);
        if (state === undefined) return;
        const kept: Kept = { at: Date.now(), of, state };
        if (JSON.stringify(state).length > LARGEST) throw new Error("too large");
        if (!store.set("keep:" + name, kept)) throw new Error("storage is blocked or full");
      } catch (error) {
        lost.push(name);
        warn(`keep("${name}") can't be saved`, error);
      }
    }),
  );
  return lost;
}

interface Place {
  href: string;
  y: number;
  /** A selector. */
  focus: string | undefined;
}

export function savePlace({ store }: Host): void {
  const { id, name } = (document.activeElement ?? {}) as HTMLInputElement;
  const focus = id ? `#${CSS.escape(id)}` : name ? `[name="${CSS.escape(name)}"]` : undefined;
  store.set("place", { href: location.href, y: scrollY, focus } satisfies Place);
}

/** Until the page is as long as it was, or the user has gone on by themselves. */
export function restorePlace({ store, on }: Host): void {
  const place = store.take<Place>("place");
  if (place?.href != location.href) return;
  const { y, focus } = place;
  const end = Date.now() + SETTLE_MS;
  let theirs = false;
  for (const event of ["wheel", "pointerdown", "keydown"]) on(window, event, () => (theirs = true));
  const restore = () => {
    if (theirs) return;
    const element = focus ? document.querySelector<HTMLElement>(focus) : undefined;
    const there = document.documentElement.scrollHeight >= y + innerHeight;
    if (document.activeElement == document.body) element?.focus({ preventScroll: true });
    if (there) scrollTo(scrollX, y);
    if ((!there || (focus && !element)) && Date.now() < end) setTimeout(restore, 100);
  };
  restore();
}
