/**
 * Programs of Debian's: found, or named with what to install. None outlives this process, however that comes to its
 * end, and none needs the user's own home.
 */

import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporary } from "../temporary.js";
import { Hopeless } from "../until.js";

/** Its path, if it is there. */
export function program(path: string, debian: string): string {
  if (existsSync(path)) return path;
  throw new Error(`${path} is not there: install it (on Debian: apt-get install ${debian})`);
}

/** Its path, where a shell would find it, or where Debian has servers and a user's PATH may not lead. */
export function server(name: string): string {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/local/sbin", "/usr/sbin"];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  return program(found ?? name, name);
}

/** Runs a program that the kernel kills when its parent is gone: a parent that is killed can't do it any more. */
const LEASH = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : [];

const children = new Set<ChildProcess>();

export function start(path: string, args: string[], options: SpawnOptions): ChildProcess {
  const [first, ...others] = [...LEASH, path, ...args] as [string, ...string[]];
  const child = spawn(first, others, options);
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Where programs have left their IDs that were started by their path alone. */
const left = new Set<string>();

/** For who starts programs by their path alone: a script in the folder that runs this one, and leaves its ID there. */
export async function leashed(path: string, folder: string): Promise<string> {
  const script = join(folder, "run");
  const id = join(folder, "id");
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  const line = [...LEASH, path].map(quote).join(" ");
  await writeFile(script, `#!/bin/sh\necho $$ > ${quote(id)}\nexec ${line} "$@"\n`, { mode: 0o755 });
  left.add(id);
  return script;
}

export const hasEnded = (child: ChildProcess) => child.exitCode != null || child.signalCode != null;

/** While something is awaited of it: once it has ended, that never comes. */
export function mustLive(child: ChildProcess, name: string, said = ""): void {
  if (hasEnded(child))
    throw new Hopeless(`${name} ended with ${child.exitCode ?? child.signalCode}: ${said}`);
}

/** Ends it, and waits until it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (hasEnded(child)) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

export interface Home {
  folder: string;
  env: Record<string, string | undefined>;
}

/** Browsers write into the user's home, which may be nobody's. */
export async function home(): Promise<Home> {
  const folder = await temporary("home");
  const env: Home["env"] = { ...process.env, HOME: folder };
  for (const name of ["CONFIG", "CACHE", "DATA", "STATE"]) env[`XDG_${name}_HOME`] = join(folder, name);
  // Has to be the user's alone.
  const runtime = (env.XDG_RUNTIME_DIR = join(folder, "runtime"));
  await mkdir(runtime, { mode: 0o700 });
  return { folder, env };
}

// Before the folders that they write to are removed.
process.prependOnceListener("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  for (const id of left) {
    try {
      process.kill(Number(readFileSync(id, "utf8")), "SIGKILL");
    } catch {
      // It wasn't started yet, or its folder went with it.
    }
  }
});
// Or there would be no such event.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"] as const) {
  process.once(signal as NodeJS.Signals, () => process.exit(1));
}
