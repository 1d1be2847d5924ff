/** What `connect` gives where there is no page: while an app is rendered on a server. Asks nothing, does nothing. */

import type { Freshwire, Options, Status } from "./core/options.js";

/** The status of a page that isn't connected. */
export const NOT_CONNECTED: Status = Object.freeze({
  standing: "unknown",
  why: null,
  current: null,
  connection: "closed",
  notice: null,
});

const nothing = () => {};
const undo = () => nothing;

/** Belongs to one rendering, and is remembered nowhere: the next one is another user's. */
export const inert = ({ app, build = "" }: Options): Freshwire => ({
  app,
  build,
  status: NOT_CONNECTED,
  on: undo,
  hold: undo,
  keep: undo,
  saved: nothing,
  evidence: () => false,
  refresh: nothing,
  snooze: nothing,
  close: nothing,
});
