// Unpacks the package as npm would install it, and has a tool work on an app beside it.

import { execFile } from "node:child_process";
import { cp, mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const client = join(here, "../../../client-js");

/** What `npm run build` has built, as npm packs it, beside what the app's tools come with. */
export async function unpackPackage(folder) {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: client });
  const [{ filename }] = Object.values(JSON.parse(stdout));
  const modules = join(folder, "app/node_modules");
  await mkdir(modules, { recursive: true });
  await run("tar", ["-xzf", join(folder, filename), "-C", modules]);
  await run("mv", [join(modules, "package"), join(modules, "freshwire")]);
  // Found by going up; npm's package itself must be no link to its sources.
  await symlink(join(here, "node_modules"), join(folder, "node_modules"));
}

/** Has a tool make the app of `build` in `folder`, where `unpackPackage` was; what it complains of is thrown. */
export async function runTool(tool, folder, build) {
  const app = join(folder, "app");
  await cp(join(here, "app"), app, { recursive: true });
  const html = join(app, "index.html");
  await writeFile(html, (await readFile(html, "utf8")).replace("the-build", build));
  await run(process.execPath, [join(here, "tools.mjs"), tool, app], { cwd: app }).catch((error) => {
    throw new Error(`${tool}: ${error.stderr || error}`);
  });
  const out = join(app, "out");
  const entries = await readdir(out, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file.slice(out.length), await readFile(file, "utf8")])),
  );
}
