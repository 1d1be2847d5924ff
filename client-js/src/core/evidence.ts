/** Signs that this page is too old for its servers, as browsers and bundlers put them. */

import type { Host } from "./part.js";
import type { EvidenceKind } from "./wire.js";

/** Chromium: "Failed to fetch dynamically imported module", Firefox: "error loading …", Safari: "Importing a module script failed"; webpack; Vite. */
const CHUNK = /dynamically imp|module script f|loading (css )?chunk|preload css/i;

/** From now on; the part looks for answers of 426, which browsers keep for it. */
export function watchForEvidence(on: Host["on"], sign: (kind: EvidenceKind, detail: unknown) => void): void {
  const chunk = ({ message }: Partial<Error>) => {
    if (CHUNK.test(message!)) sign("chunk_error", message);
  };
  on(window, "vite:preloadError", (event) => sign("chunk_error", (event as never)["payload"]));
  // Anything may be thrown, and not all of it can be made a string.
  on(window, "unhandledrejection", (event) => chunk(Object((event as PromiseRejectionEvent).reason)));
  on(window, "error", (event) => {
    const { localName, src, href, rel, onerror } = event.target as HTMLScriptElement & HTMLLinkElement;
    // An image or an icon says little; a link that somebody waits for is theirs, and the new build's perhaps.
    if (localName == "script" || (/style/.test(rel) && !onerror)) sign("asset_404", src || href);
    else chunk(event as ErrorEvent);
  });
}
