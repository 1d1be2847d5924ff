/** What `freshwire snippet` prints: pasted as it stands, as people do. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BINARY, type Build, type Freshwire } from "../freshwire.js";
import type { Site } from "../site.js";

/** The lines that the command prints for an app of this server. */
async function printed(app: string, freshwire: Freshwire): Promise<string[]> {
  const { stdout } = await promisify(execFile)(BINARY, ["snippet", app, "--url", freshwire.origin]);
  return stdout.split("\n");
}

/** Pastes the tags, with BUILD and VERSION filled in, and the policy, which is then the only one. */
export async function paste({ app, site }: { app: string; site: Site }, freshwire: Freshwire): Promise<void> {
  const lines = await printed(app, freshwire);
  const tags = lines.filter((line) => /^<(meta|script)/.test(line)).join("\n");
  site.policy = lines.find((line) => /^script-src .*connect-src /.test(line));
  if (!tags.includes("BUILD") || !site.policy) throw new Error(`that isn't a snippet: ${lines.join("\n")}`);
  site.head = ({ build, version }: Build) => tags.replace("BUILD", build).replace("VERSION", version);
}
