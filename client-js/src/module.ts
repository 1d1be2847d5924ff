/** freshwire.mjs, served by Freshwire itself: knows the server's address from its own. */

import { connectTo, folder } from "./core/index.js";
import type { Freshwire, Options } from "./core/options.js";

export { get } from "./core/index.js";

export const connect = (options: Options): Freshwire => connectTo(folder(import.meta.url), options);
