// Packs what `npm run build` has built and has publint and are-the-types-wrong look at the tarball.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { bringLicences, removeLicences } from "./licences.mjs";

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "freshwire-pack-"));
const found = [];

try {
  await bringLicences();
  // Without scripts: what is packed is what was just built.
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: here,
  }).finally(removeLicences);
  const [{ filename, files, size }] = Object.values(JSON.parse(stdout));
  const tarball = join(folder, filename);

  const packed = files.map(({ path }) => path);
  for (const name of ["README.md", "LICENSE-APACHE", "LICENSE-MIT"]) {
    if (!packed.includes(name)) found.push(`${name} is not in the package`);
  }
  const pkg = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
  const bytes = await readFile(tarball);
  const { messages } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    strict: true,
  });
  found.push(...messages.map((message) => `publint: ${formatMessage(message, pkg)}`));

  // Under every resolution there is, `node10` too: it is that of tools that don't read `exports`.
  const attw = join(here, "node_modules/@arethetypeswrong/cli/dist/index.js");
  await run(process.execPath, [attw, tarball, "--profile", "strict", "--no-color"]).catch(
    ({ stdout, stderr }) => found.push(`are-the-types-wrong:\n${stdout}${stderr}`),
  );
  if (!found.length) console.log(`package: ${packed.length} files, ${size} B packed, nothing found`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

for (const line of found) console.error(line);
if (found.length) process.exitCode = 1;
