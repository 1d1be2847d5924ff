// Builds the dialogs into one script.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const vite = join(here, "node_modules/vite/bin/vite.js");

let built;

export const buildDialogs = () => (built ??= build());

async function build() {
  const folder = await mkdtemp(join(tmpdir(), "freshwire-dialogs-"));
  try {
    // A test runner's NODE_ENV would make it another React.
    const env = { ...process.env, NODE_ENV: "production" };
    const args = [vite, "build", "--outDir", folder, "--emptyOutDir"];
    await promisify(execFile)(process.execPath, args, { cwd: here, env });
    return await readFile(join(folder, "dialogs.js"), "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
