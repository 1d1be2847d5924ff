/** The npm package. */

import { connectTo } from "./core/index.js";
import type { Freshwire, Options } from "./core/options.js";
import { inert } from "./inert.js";

export { get } from "./core/index.js";
export type {
  CustomPrompt,
  Events,
  Freshwire,
  KeepOptions,
  Options,
  Push,
  Status,
  Target,
  Text,
  View,
} from "./core/options.js";
export type { Action, EvidenceKind, Notice, Outcome, Release, Severity, Standing } from "./core/wire.js";

/**
 * Connects this page to the Freshwire server at `options.url`. The same app twice is one object. Never throws; where
 * there is no page (server rendering), the object does nothing.
 */
export const connect = (options: Options): Freshwire =>
  typeof document == "undefined" ? inert(options) : connectTo(undefined, options);
