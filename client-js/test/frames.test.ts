// The golden frames in fixtures/frames are also read by the server's tests. Each must fit the types of wire.ts.

import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Hello, Notice, PageFrame, ServerFrame } from "../src/core/wire.js";

const FRAMES = new URL("../../fixtures/frames/", import.meta.url);

type Keys<T> = T extends unknown ? keyof T : never;
type OfType<F extends { type: string }, T> = Extract<F, { type: T }>;
/** Every key of a frame of the type, `true` where it is required. The compiler checks this table against wire.ts. */
type Table<F extends { type: string }> = {
  [T in F["type"]]: Record<Keys<OfType<F, T>>, boolean>;
};

/** A `bye` goes in a poll only, and is no golden frame. */
const PAGE: Table<Exclude<PageFrame, { type: "bye" }>> = {
  hello: {
    type: true,
    app: true,
    build: true,
    version: false,
    client: false,
    session: false,
    resume: false,
    via: false,
    labels: false,
    page: false,
    frame: false,
    host: false,
    token: false,
    seen: false,
    pushed: false,
    after: false,
  } satisfies Record<keyof Hello, boolean>,
  page: { type: true, visible: true, frozen: false, holds: true },
  outcome: { type: true, notice: false, push: false, is: true, detail: false },
  found: { type: true, build: true },
  evidence: { type: true, kind: true, detail: true },
  ping: { type: true },
};

const SERVER: Table<ServerFrame> = {
  welcome: { type: true, session: true, resume: true, node: true, standing: true, why: true, current: true },
  standing: { type: true, standing: true, why: true, current: true },
  notice: {
    type: true,
    notice: true,
    run: true,
    step: true,
    action: true,
    build: true,
    version: false,
    severity: false,
    reason: false,
    countdown_ms: false,
    hold_cap_ms: false,
    snooze_ms: false,
    swap: false,
    preload: false,
    text: false,
  } satisfies Record<keyof Notice | "type", boolean>,
  withdraw: { type: true, notice: true },
  push: { type: true, push: true, topic: true, data: true },
  reconnect: { type: true, in_ms: true },
  better: { type: true, build: true, better: true },
  pong: { type: true },
};

function fits(table: Record<string, Record<string, boolean>>, frame: unknown): string {
  if (typeof frame != "object" || frame == null || Array.isArray(frame)) return "is not an object";
  const known = table[(frame as { type: string }).type];
  if (!known) return "has no known type";
  const keys = Object.keys(frame);
  const strange = keys.find((key) => !(key in known));
  const missing = Object.keys(known).find((key) => known[key] && !keys.includes(key));
  return strange ? `has a strange ${strange}` : missing ? `lacks ${missing}` : "fits";
}

const load = (folder: string) =>
  readdirSync(new URL(folder, FRAMES))
    .filter((name) => name.endsWith(".json"))
    .map((name) => ({
      name,
      frame: JSON.parse(readFileSync(new URL(`${folder}${name}`, FRAMES), "utf8")) as { type: string },
    }));

describe.each([
  ["page/", PAGE],
  ["server/", SERVER],
])("golden frames of %s", (folder, table) => {
  test.each(load(folder))("$name fits its type", ({ frame }) => {
    expect(fits(table, frame)).toBe("fits");
  });

  test("there is one of every type", () => {
    const types = new Set(load(folder).map(({ frame }) => frame.type));
    expect([...types].sort()).toEqual(Object.keys(table).sort());
  });
});

test("a page's golden frames fit in 4 KiB", () => {
  for (const { frame } of load("page/")) expect(JSON.stringify(frame).length).toBeLessThan(4096);
});
