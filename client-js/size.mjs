// What a page loads stays within the limits in package.json: by file, or by folder for all files in it.

import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const read = (path) => readFile(new URL(path, import.meta.url));
const { limits } = JSON.parse(await read("package.json"));
const { files } = JSON.parse(await read("dist/served/manifest.json"));

let over = false;
for (const { path } of files) {
  const bytes = gzipSync(await read(`dist/served${path}`), { level: 9 }).length;
  const name = path.replace(/^\/(v1\/client\/\w+\/)?/, "");
  const limit = limits[name] ?? limits[name.replace(/[^/]*$/, "")];
  over ||= bytes > limit;
  console.log(
    `${name}  ${bytes} B gzipped${limit ? ` of ${limit}${bytes > limit ? ": TOO LARGE" : ""}` : ""}`,
  );
}
process.exitCode = over ? 1 : 0;
