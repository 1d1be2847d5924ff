/** Looks at the document that a reload would load, past the caches that can be got past. */

import type { Options } from "../core/options.js";
import { markedBuild } from "./mark.js";

/** Why it can't be seen what a reload would load. Operators rely on these words. */
export type Unseen = "policy" | "network" | "sign-in" | "no-mark" | "worker";

export type Look =
  | { is: "build"; build: string }
  /** A page may load what a fetch can't see: what lies behind a login, or a firewall. */
  | { is: "unseen"; why: Unseen }
  /** Nothing that a page should load now. */
  | { is: "away" };

const LOOK_MS = 10_000;
const EVENT_MS = 50;

/** Where the mark of the document at an address is to be found. */
const placeOf = ({ look }: Options, address: string) =>
  new URL((typeof look == "function" ? look(address) : look) ?? address, address).href.replace(/#.*/s, "");

/** `freshwire.json`, or else a document. */
function buildIn(text: string, app: string): string | undefined {
  try {
    const { build, app: of = app } = JSON.parse(text);
    return of == app && typeof build == "string" ? build : undefined;
  } catch {
    return markedBuild(text, app);
  }
}

/** Never rejects. */
export async function look(options: Options, address: string): Promise<Look> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), LOOK_MS);
  let forbidden = false;
  let place = "";
  const violated = ({ effectiveDirective, blockedURI }: SecurityPolicyViolationEvent) => {
    if (effectiveDirective == "connect-src" && place.startsWith(blockedURI)) forbidden = true;
  };
  document.addEventListener("securitypolicyviolation", violated);
  try {
    place = placeOf(options, address);
    // `no-cache` revalidates, as a reload does; `reload` would ask caches for something that a reload doesn't.
    const response = await fetch(place, {
      cache: "no-cache",
      redirect: "manual",
      credentials: "same-origin",
      headers: { accept: "text/html" },
      signal: abort.signal,
    });
    const { status } = response;
    if (response.type == "opaqueredirect" || /^40[137]$/.test(`${status}`))
      return { is: "unseen", why: "sign-in" };
    if (!response.ok) return { is: "away" };
    const build = buildIn(await response.text(), options.app);
    return build ? { is: "build", build } : { is: "unseen", why: "no-mark" };
  } catch {
    // The event may come a little later.
    await new Promise((done) => setTimeout(done, EVENT_MS));
    return forbidden ? { is: "unseen", why: "policy" } : { is: "unseen", why: "network" };
  } finally {
    clearTimeout(timer);
    document.removeEventListener("securitypolicyviolation", violated);
  }
}

/** What a look has found holds for 5 min; while the user is about, another is taken a little earlier. */
const HOLDS_MS = 300_000;
const AGAIN_MS = 240_000;
/** Addresses that are remembered. */
const MOST = 20;

/** Looks ahead, so that a look is in hand when it is needed. Nothing is reported of it. */
export function ahead(options: Options) {
  const looks = new Map<string, { at: number; found: Promise<Look>; done?: Look }>();
  const key = (build: string, address: string) => build + " " + address.replace(/#.*/s, "");
  return {
    /** Whether that build is what a load of that address gives. */
    async take(build: string, address: string): Promise<boolean> {
      const name = key(build, address);
      let taken = looks.get(name);
      if (!taken || Date.now() - taken.at >= AGAIN_MS) {
        taken = { at: Date.now(), found: look(options, address) };
        looks.set(name, taken);
        if (looks.size > MOST) looks.delete(looks.keys().next().value!);
        const found = await taken.found;
        taken.done = found;
      }
      const found = await taken.found;
      return found.is == "build" && found.build == build;
    },
    inHand(build: string, address: string): boolean {
      const taken = looks.get(key(build, address));
      const { done, at = 0 } = taken ?? {};
      return Date.now() - at < HOLDS_MS && done?.is == "build" && done.build == build;
    },
  };
}
