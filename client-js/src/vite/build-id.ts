/** Which build this is, if anything but the output itself can say so. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Long enough for any repository, and the same in a shallow clone as in a full one. */
const SHA_LENGTH = 12;

/** What the server takes for a build. */
export function checked(build: string): string {
  if (!/^(?!\()[!-~]{1,128}$/.test(build))
    throw new Error(
      `freshwire: "${build}" can't be a build: 1 to 128 printable ASCII characters, no space, no ( first`,
    );
  return build;
}

/** The commit, if the work tree is exactly that. */
async function commit(folder: string): Promise<string | undefined> {
  const git = async (...args: string[]) =>
    (await run("git", args, { cwd: folder, timeout: 10_000, maxBuffer: 2 ** 26 })).stdout.trim();
  try {
    if (await git("status", "--porcelain")) return undefined;
    return await git("rev-parse", `--short=${SHA_LENGTH}`, "HEAD");
  } catch {
    // No git, no repository, no commit yet.
    return undefined;
  }
}

/** The option, `FRESHWIRE_BUILD`, the commit; `undefined`: the output's own contents must do. */
export async function buildId(option: string | undefined, folder: string): Promise<string | undefined> {
  const given = option || process.env.FRESHWIRE_BUILD;
  return given ? checked(given) : commit(folder);
}
