/** Origins that are in the way: balancers, portals, logins, and service workers that have their own mind. */

import type { Build } from "../freshwire.js";
import type { Site } from "../site.js";
import type { Tab } from "./engine.js";

/** Each request for a document gets the next build in turn, whoever asks. */
export function flips(site: Site, ...builds: Build[]): void {
  let turn = 0;
  const next = () => builds[turn++ % builds.length]!;
  Object.defineProperty(site, "deployed", { get: next, set: settle(site), configurable: true });
}

/** A build that is deployed for good ends the flipping. */
const settle = (site: Site) => (deployed: Build) =>
  void Object.defineProperty(site, "deployed", { value: deployed, writable: true, configurable: true });

/**
 * A worker as workbox makes them: it serves the document that it found when it was installed, and a newer one waits
 * until it is told to go on.
 */
export function withWorker(site: Site, { build }: Build): void {
  site.files["/worker.js"] = `
const CACHE = "documents-${build}";
addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.add(new Request("/", { cache: "reload" }))));
});
addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name != CACHE).map((name) => caches.delete(name))))
      .then(() => clients.claim()),
  );
});
addEventListener("message", ({ data }) => {
  if (data && data.type == "SKIP_WAITING") skipWaiting();
});
addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin == location.origin && pathname == "/") {
    event.respondWith(caches.open(CACHE).then((cache) => cache.match("/", { ignoreVary: true })));
  }
});`;
}

/** The page is served by its worker from now on. */
export const register = (tab: Tab) =>
  tab.until("the worker serves the page", async () => {
    if (!navigator.serviceWorker) throw new Error("there are no service workers");
    await navigator.serviceWorker.register("/worker.js");
    return navigator.serviceWorker.controller?.state == "activated";
  });
