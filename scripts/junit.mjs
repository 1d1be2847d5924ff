// What a JUnit report says, as nextest and Vitest write it.

import { readFileSync } from "node:fs";

const ENTITIES = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const plain = (text) =>
  text.replace(/&(#x?)?(\w+);/g, (whole, number, name) =>
    number ? String.fromCodePoint(parseInt(name, number == "#x" ? 16 : 10)) : (ENTITIES[name] ?? whole),
  );
const attribute = (tag, name) => plain(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? "");
/** On one line, without the way there, and not a page of it. */
const short = (text) =>
  text
    .replace(/\x1b\[[\d;]*m/g, "")
    .replace(/(\nstack backtrace:|\nnote: run with|\n +at |\n ❯).*/s, "")
    .replace(/^thread '.*?' \(\d+\) panicked at /, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 600);

/** Counts, the names and messages of failures, and a reason for each test that was skipped. Undefined: there is none. */
export function reportOf(file) {
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const report = { passed: 0, failed: 0, skipped: [], failures: [] };
  for (const [, tag, body = ""] of text.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const name = attribute(tag, "name");
    const failure = /<(?:failure|error)\b([^>]*?)(?:\/>|>([\s\S]*?)<\/(?:failure|error)>)/.exec(body);
    const skip = /<skipped\b([^>]*)/.exec(body);
    if (failure) {
      report.failed++;
      const [, tag, told = ""] = failure;
      const message = plain(told.trim()) || attribute(tag, "message") || attribute(tag, "type");
      report.failures.push({ name, message: short(message) });
    } else if (skip) {
      report.skipped.push(attribute(skip[1], "message") || /\((not in .*)\)$/.exec(name)?.[1] || name);
    } else report.passed++;
  }
  return report;
}
