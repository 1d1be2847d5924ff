/** `connect` and `get`: one object per app on a page, however many times and ways Freshwire was loaded. */

import { client, mark } from "./client.js";
import { warn } from "./warn.js";
import type { Freshwire, Options } from "./options.js";

const KEY = Symbol.for("freshwire");
const apps: Map<string, Freshwire> = ((globalThis as never as Record<symbol, Map<string, Freshwire>>)[KEY] ??=
  new Map());

/** The object of an app that has been connected on this page. */
export const get = (app: string): Freshwire | undefined => apps.get(app);

/**
 * Connects this page. Never throws: without app, build or server the page just isn't connected, and is told so once,
 * unless it wished for no server.
 */
export function connectTo(serverUrl: string | undefined, options: Options): Freshwire {
  const { app, url = serverUrl } = options;
  const known = apps.get(app);
  if (known) return known;
  const build = options.build || mark(document, app) || "";
  let base = "";
  try {
    base = new URL(url as string, (url && location.href) as string).href.replace(/\/$/, "");
  } catch {
    // Warned of below.
  }
  const missing = app ? (build ? (base ? "" : "url") : "build") : "app";
  if (missing && url !== false) warn(`not connected: set the ${missing}`);
  const made = client(missing ? "" : base, build, options, () => apps.delete(app));
  apps.set(app, made);
  return made;
}

/** A script's address without its file name. */
export const folder = (address: string) => address.replace(/[^/]*([?#].*)?$/, "");
