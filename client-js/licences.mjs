// The repository's licences stand at its root, and travel with the package: here while it is packed, then gone again.

import { copyFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const NAMES = ["LICENSE-APACHE", "LICENSE-MIT"];

export const bringLicences = () =>
  Promise.all(NAMES.map((name) => copyFile(join(here, "..", name), join(here, name))));

export const removeLicences = () => Promise.all(NAMES.map((name) => rm(join(here, name), { force: true })));

if (process.argv[1] == fileURLToPath(import.meta.url)) {
  await (process.argv.includes("--remove") ? removeLicences() : bringLicences());
}
