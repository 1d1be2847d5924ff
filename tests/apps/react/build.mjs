// Builds one release of the shop into a folder of its own.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const vite = join(here, "node_modules/vite/bin/vite.js");

export async function buildRelease({ out, build, version, app, url, accent, label }) {
  const folder = resolve(out);
  const chosen = {
    FRESHWIRE_BUILD: build,
    VERSION: version,
    APP: app,
    FRESHWIRE_URL: url,
    ACCENT: accent,
    LABEL: label,
  };
  // A test runner's NODE_ENV would make it another React.
  const env = { ...process.env, NODE_ENV: "production" };
  for (const [name, value] of Object.entries(chosen)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [vite, "build", "--outDir", folder, "--emptyOutDir"],
    { cwd: here, env },
  );
  const release = JSON.parse(await readFile(join(folder, "freshwire.json"), "utf8"));
  return { folder, release, said: stdout };
}
