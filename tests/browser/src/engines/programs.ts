/** Programs of Debian's that the engines are: found, or named with what to install; ended with this process at the latest. */

import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";

/** Its path, if it is there. */
export function program(path: string, debian: string): string {
  if (existsSync(path)) return path;
  throw new Error(`${path} is not there: install it (on Debian: apt-get install ${debian})`);
}

const children = new Set<ChildProcess>();

/** Ends it when this process ends, however that comes to pass. */
export function endWithUs(child: ChildProcess): void {
  children.add(child);
  child.once("exit", () => children.delete(child));
}

/** Ends it, and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode != null || child.signalCode != null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill();
  await gone;
}

process.once("exit", () => children.forEach((child) => child.kill()));
// Or there would be no such event.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"] as const) {
  process.once(signal as NodeJS.Signals, () => process.exit(1));
}
