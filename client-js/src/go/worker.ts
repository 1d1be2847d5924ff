/** The page's service worker: told of the new build first, or a reload would get the old document from it. */

const UPDATE_MS = 3_000;

const within = <T>(what: Promise<T> | undefined) =>
  Promise.race([what, new Promise<undefined>((done) => setTimeout(done, UPDATE_MS))]);

/** Angular's worker takes requests of its own, and answers with their number. */
const askAngular = (worker: ServiceWorker, action: string) =>
  new Promise((done) => {
    const nonce = Math.floor(Math.random() * 1e9);
    navigator.serviceWorker.addEventListener("message", ({ data }) => data?.nonce == nonce && done(0));
    worker.postMessage({ action, nonce });
  });

const becomes = (worker: ServiceWorker, ...states: string[]) =>
  new Promise((done) => {
    const look = () => states.includes(worker.state) && done(0);
    worker.addEventListener("statechange", look);
    look();
  });

/**
 * A new worker takes over at once, by the handshake that its kind knows: whatever pages do then, they do now. False: it isn't
 * ready, and a reload would get the old document. Never rejects.
 */
export async function updateWorker(): Promise<boolean> {
  try {
    const { serviceWorker } = navigator;
    const registration = await serviceWorker.getRegistration();
    if (!registration) return true;
    await within(registration.update());
    const { controller } = serviceWorker;
    if (controller && /ngsw/.test(controller.scriptURL)) {
      await within(askAngular(controller, "CHECK_FOR_UPDATES"));
      await within(askAngular(controller, "ACTIVATE_UPDATE"));
    }
    const next = registration.installing ?? registration.waiting;
    if (next) {
      await within(becomes(next, "installed", "activated", "redundant"));
      next.postMessage({ type: "SKIP_WAITING" });
      await within(becomes(next, "activated", "redundant"));
      return next.state != "installing";
    }
  } catch {
    // Its script is away: the look itself tells.
  }
  return true;
}
