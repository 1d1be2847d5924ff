// What every page always loads stays within the limits in package.json.

import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const read = (path) => readFile(new URL(path, import.meta.url));
const { limits } = JSON.parse(await read("package.json"));
const { files } = JSON.parse(await read("dist/served/manifest.json"));

let over = false;
for (const { path } of files) {
  const bytes = gzipSync(await read(`dist/served${path}`), { level: 9 }).length;
  const limit = limits[path.slice(1)];
  over ||= bytes > limit;
  console.log(
    `${path}  ${bytes} B gzipped${limit ? ` of ${limit}${bytes > limit ? ": TOO LARGE" : ""}` : ""}`,
  );
}
process.exitCode = over ? 1 : 0;
