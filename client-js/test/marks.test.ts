// The table of marks in fixtures/marks.json is also read by the server's tests: a page finds what an origin probe finds.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { markedBuild } from "../src/go/mark.js";

type Pieces = string | { repeat: string; times: number } | Pieces[];

interface Case {
  what: string;
  html: Pieces;
  app: string;
  build: string | null;
}

const text = (html: Pieces): string =>
  typeof html == "string"
    ? html
    : Array.isArray(html)
      ? html.map(text).join("")
      : html.repeat.repeat(html.times);

const { cases } = JSON.parse(readFileSync(new URL("../../fixtures/marks.json", import.meta.url), "utf8")) as {
  cases: Case[];
};

test.each(cases)("$what", ({ html, app, build }) => {
  expect(markedBuild(text(html), app) ?? null).toBe(build);
});
