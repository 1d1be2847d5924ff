/** The npm package. */

import { connectTo } from "./core/index.js";
import type { Freshwire, Options } from "./core/options.js";

export { get } from "./core/index.js";
export type { Events, Freshwire, Options, Status, Target, Text } from "./core/options.js";
export type { Action, Notice, Outcome, Release, Severity, Standing } from "./core/wire.js";

/** Connects this page to the Freshwire server at `options.url`. The same app twice is one object. Never throws. */
export const connect = (options: Options): Freshwire => connectTo(undefined, options);
