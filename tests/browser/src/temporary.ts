/** Folders of this run, gone with this process at the latest. */

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();

export async function temporary(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `freshwire-${name}-`));
  folders.add(folder);
  return folder;
}

/** What was just ended may still write for a moment. */
const OPTIONS = { recursive: true, force: true, maxRetries: 5 };

export async function remove(folder: string): Promise<void> {
  folders.delete(folder);
  await rm(folder, OPTIONS);
}

process.once("exit", () => {
  for (const folder of folders) {
    try {
      rmSync(folder, OPTIONS);
    } catch {
      // A file that somebody still writes stays: no reason to fail.
    }
  }
});
