// Part of a release: keeps the hashed parts of this build for ever, for pages that will still ask for them.

import { cp, mkdir, readFile } from "node:fs/promises";

const at = (path) => new URL(path, import.meta.url);
const { files } = JSON.parse(await readFile(at("dist/served/manifest.json")));

for (const { path, immutable } of files) {
  if (!immutable) continue;
  const kept = at(`published/${path.replace("/v1/client/", "")}`);
  await mkdir(new URL(".", kept), { recursive: true });
  await cp(at(`dist/served${path}`), kept);
  console.log(`published${path.replace("/v1/client", "")}`);
}
