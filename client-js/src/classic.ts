/** freshwire.js, the script tag: connects by its attributes and becomes `window.freshwire`. */

import { connectTo, folder, get } from "./core/index.js";
import type { Freshwire, Options } from "./core/options.js";

type Waiting = (fresh: Freshwire) => void;

interface Tag extends Freshwire {
  get: typeof get;
  push(waiting: Waiting): void;
}

// Loaded as a module there is no such script: then what is missing is warned of, and nothing thrown.
const { src = "", dataset = {} } = (document.currentScript ?? {}) as Partial<HTMLScriptElement>;
const page = window as never as { freshwire?: Partial<Tag> & Partial<Waiting[]> };
const queue = page.freshwire;
// data-app, data-build, data-version, data-locale … are options by the same names.
const fresh = connectTo(folder(src), dataset as never as Options);

// A second tag, for another app, leaves the first app's object in place; both are behind `get`.
if (!queue?.get) {
  page.freshwire = Object.assign(Object.create(fresh) as Tag, {
    get,
    push: (waiting: Waiting) => waiting(fresh),
  }) as never;
  // One waiting function's mistake is not the next one's.
  queue?.forEach?.((waiting) => setTimeout(waiting!, 0, fresh));
}
