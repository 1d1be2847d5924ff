/** Signs that this page is too old for its servers, as browsers and bundlers put them. */

import type { Host } from "./part.js";
import type { EvidenceKind } from "./wire.js";

/**
 * Chromium, Firefox, Safari (its second: a chunk answered with HTML); webpack and Rspack; Turbopack, twice; Vite;
 * Next, whose server function is gone. Whole words: uploads and maps have chunks, too. What SystemJS says is left to the
 * script element.
 */
const CHUNK =
  /dynamically imp|module script f|javascript mime|\bloading (css )?chunk .+ failed|load chunk \S+ from m|module factory is|preload css|server action.+(newe|not f)/i;

/** Causes may go in circles, and lists of errors may have no end. */
const MOST_LOOKED_AT = 20;

/** What a thrown thing says of a chunk that is gone, itself or by what caused it. Anything may be thrown. */
export function words(thrown: unknown): string | undefined {
  const all = [thrown];
  for (let n = 0; n < MOST_LOOKED_AT; n++) {
    try {
      const error = all[n] as Partial<AggregateError>;
      const text = String(error.message ?? error).slice(0, 999);
      if (CHUNK.test(text)) return text;
      all.push(error.cause, ...[].slice.call(error.errors ?? "", 0, 9));
    } catch {
      // Not all of it can be made a string, or has anything in it; or it is the end of the list.
    }
  }
  return undefined;
}

/** From now on; the part looks for answers of 426, which browsers keep for it. */
export function watchForEvidence(
  on: Host["on"],
  sign: (kind: EvidenceKind, detail: unknown) => void,
  evidence: (thrown: unknown) => void,
): void {
  on(window, "vite:preloadError", (event) => sign("chunk_error", (event as never)["payload"]));
  on(window, "unhandledrejection", (event) => evidence((event as PromiseRejectionEvent).reason));
  on(window, "error", (event) => {
    const { localName, src, href, rel, onerror } = event.target as HTMLScriptElement & HTMLLinkElement;
    // An image or an icon says little; a link that somebody waits for is theirs, and the new build's perhaps.
    if (localName == "script" || (/style/.test(rel) && !onerror)) sign("asset_404", src || href);
    else evidence(event);
  });
}
