/** Signs that this page is too old for its servers, as browsers and bundlers put them. */

import type { Host } from "./part.js";
import type { EvidenceKind } from "./wire.js";

/** Chromium: "Failed to fetch dynamically imported module", Firefox: "error loading …", Safari: "Importing a module script failed"; webpack; Vite. */
const CHUNK = /dynamically imported|module script failed|loading (css )?chunk|preload css/i;

/** From now on; the part looks for answers of 426, which browsers keep for it. */
export function watchForEvidence(on: Host["on"], sign: (kind: EvidenceKind, detail: unknown) => void): void {
  const chunk = (error: unknown) => {
    if (CHUNK.test(error as string)) sign("chunk_error", error);
  };
  on(window, "vite:preloadError", (event) => sign("chunk_error", (event as never)["payload"]));
  on(window, "unhandledrejection", (event) => chunk((event as PromiseRejectionEvent).reason));
  on(window, "error", (event) => {
    const { src, href, rel } = event.target as HTMLScriptElement & HTMLLinkElement;
    // An image or an icon says little.
    if (/\.m?js/.test(src) || /style|module/.test(rel)) sign("asset_404", src || href);
    else chunk((event as ErrorEvent).message);
  });
}
