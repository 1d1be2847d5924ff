/** Style sheets of the new build in place of the old ones, without a reload; and its modules ahead of one. */

import type { Notice } from "../core/wire.js";

const LOAD_MS = 10_000;

const link = (made: HTMLLinkElement, before: Node | null, parent: Node) =>
  new Promise((done, failed) => {
    made.onload = done;
    made.onerror = failed;
    setTimeout(failed, LOAD_MS);
    parent.insertBefore(made, before);
  });

/** The new sheet stands right behind the old one until it is there, so that nothing flashes. Rejects: all is as before. */
export async function swapSheets(pairs: NonNullable<Notice["swap"]>): Promise<void> {
  const sheets = [...document.querySelectorAll<HTMLLinkElement>("link[rel~=stylesheet]")];
  const found = pairs.flatMap(({ from, to }) =>
    sheets
      .filter(({ href }) => new URL(href).pathname == from)
      .map((old) => {
        const made = old.cloneNode() as HTMLLinkElement;
        made.removeAttribute("integrity");
        // Under the name that it had, a cache would have the old one.
        made.href = new URL(from == to ? `${to}?${Date.now()}` : to, old.href).href;
        return { old, made };
      }),
  );
  try {
    await Promise.all(found.map(({ old, made }) => link(made, old.nextSibling, old.parentNode!)));
    for (const { old } of found) old.remove();
  } catch {
    for (const { made } of found) made.remove();
    throw new Error("swap: a style sheet did not load");
  }
}

/** Into the browser's cache. */
export function preload(paths: string[] = []): void {
  for (const path of paths) {
    const made = document.createElement("link");
    made.rel = "modulepreload";
    made.href = path;
    document.head.append(made);
  }
}
