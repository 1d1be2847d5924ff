/** freshwire.js, the script tag: connects by its attributes and becomes `window.freshwire`. */

import { connectTo, folder, get } from "./core/index.js";
import type { Freshwire } from "./core/options.js";

type Waiting = (fresh: Freshwire) => void;

// Loaded as a module there is no such script: then what is missing is warned of, and nothing thrown.
const { src, dataset } = (document.currentScript ?? document.createElement("script")) as HTMLScriptElement;
const page = window as never as { freshwire?: Waiting[] | Tag };
const queue = page.freshwire;
const fresh = connectTo(folder(src), {
  app: dataset.app!,
  build: dataset.build,
  version: dataset.version,
});

interface Tag extends Freshwire {
  get: typeof get;
  push(waiting: Waiting): void;
}

// A second tag, for another app, leaves the first app's object in place; both are behind `get`.
if (!(queue as Tag | undefined)?.get) {
  const tag = Object.defineProperties(
    { get, push: (waiting: Waiting) => waiting(fresh) },
    Object.getOwnPropertyDescriptors(fresh),
  ) as Tag;
  page.freshwire = tag;
  for (const waiting of Array.isArray(queue) ? queue : []) {
    // One waiting function's mistake is not the next one's.
    setTimeout(waiting, 0, fresh);
  }
}
