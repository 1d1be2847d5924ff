/** What a build has put out, reduced to what pages of two releases are compared by. Pure. */

import { createHash } from "node:crypto";

/** One file of the output, named by its path below the output folder. */
export interface OutputFile {
  path: string;
  content: string | Uint8Array;
  /** Copied as it is, under a name of its own. */
  copied?: boolean;
}

/** Hashes by URL path. */
export type Hashes = Record<string, string>;

/** Maps and compressed twins say nothing that the files beside them don't; `.vite` is for servers. */
const NOT_AN_ASSET = /\.(map|gz|br|zst)$|^\.vite\//;

const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");

/**
 * A path without the hash in its file name: what follows the last `-` or `.` that has at least eight of
 * `[A-Za-z0-9_-]` between itself and the extension.
 */
export const unhashed = (path: string) => path.replace(/^(.*)[-.][\w-]{8,}(\.[^./]+(\.map)?)$/, "$1$2");

const fileName = (path: string) => path.replace(/.*\//, "");

/** A content with the file names in it replaced. Bytes stay bytes: what isn't text just has no names in it. */
function renamed(content: string | Uint8Array, names: Map<string, string>): string | Uint8Array {
  const rename = (text: string) => text.replace(/[\w.$@~%+-]+/g, (word) => names.get(word) ?? word);
  if (typeof content == "string") return rename(content);
  return Buffer.from(rename(Buffer.from(content).toString("latin1")), "latin1");
}

/**
 * What every hashed file name is read as, so that a mere renaming shows in none of the files that name it. Where
 * several are called alike but for the hash, what is in them tells them apart; not so style sheets, which may change.
 */
function readings(files: OutputFile[]): Map<string, string> {
  const hashed = files.filter(({ path, copied }) => !copied && unhashed(path) != path);
  const plain = new Map(hashed.map(({ path }) => [fileName(path), fileName(unhashed(path))]));
  const called = new Map<string, number>();
  for (const name of plain.values()) called.set(name, (called.get(name) ?? 0) + 1);
  const names = new Map(plain);
  for (const { path, content } of hashed) {
    const name = plain.get(fileName(path))!;
    if (called.get(name)! > 1 && !path.endsWith(".css"))
      names.set(fileName(path), `${name}#${sha256(renamed(content, plain))}`);
  }
  return names;
}

/**
 * The files' hashes, as of content with the hashes in file names left out: style sheets that a page can swap, and the
 * rest. A style sheet without a hash in its name can't be told from its former self by its address, so it is rest.
 */
export function hashes(files: OutputFile[], url: (path: string) => string): { css: Hashes; rest: Hashes } {
  const assets = { css: {} as Hashes, rest: {} as Hashes };
  const names = readings(files);
  for (const { path, content, copied } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (NOT_AN_ASSET.test(path)) continue;
    const swappable = path.endsWith(".css") && !copied && unhashed(path) != path;
    assets[swappable ? "css" : "rest"][url(path)] = sha256(renamed(content, names)).slice(0, 32);
  }
  return assets;
}

/** A build ID for an output that no commit stands for. */
export function contentId(files: OutputFile[], version: string | undefined): string {
  const all = files.map(({ path, content }) => `${path} ${sha256(content)}`).sort();
  return sha256([version ?? "", ...all].join("\n")).slice(0, 12);
}
