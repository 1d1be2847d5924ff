import { beforeEach, describe, expect, test } from "vitest";
import type { Facts } from "../src/prompt/seam.js";
import { words, type Text } from "../src/prompt/text.js";
import { milestones, view } from "../src/prompt/view.js";
import { counting, facts, MINUTE, presses } from "./prompt-facts.js";

let log: string[];
let milestone: ReturnType<typeof milestones>;

beforeEach(() => {
  log = [];
  milestone = milestones();
});

const see = (of: Facts, own?: Text) => view(of, words(own), presses(log), milestone);

describe("words", () => {
  test("are the operator's, then the app's, then ours", () => {
    expect(see(facts()).title).toBe("A new version is ready");
    expect(see(facts(), { title: "Ready" }).title).toBe("Ready");
    const seen = see(facts({ notice: { text: { title: "Now", body: "Please", action: "Go" } } }), {
      title: "Ready",
    });
    expect([seen.title, seen.body, seen.primary?.label]).toEqual(["Now", "Please", "Go"]);
  });

  test("give the reason, also one that looks like a pattern", () => {
    expect(see(facts({ notice: { reason: "$& {time}" } })).note).toBe("Reason: $& {time}");
    expect(see(facts()).note).toBe("");
  });

  test("of an app keep what they have no value for", () => {
    expect(see(facts({ holds: ["a"], holdMs: 1_000 }), { held: "{holds} {time} {other}" }).body).toBe(
      "a 0:01 {other}",
    );
  });

  test("of a security notice that counts say both what is wrong and what will happen", () => {
    const seen = see(counting(MINUTE, { notice: { severity: "security" } }));
    expect(seen.mood).toBe("security");
    expect(seen.body).toBe(
      "This version has a known security problem.\nThe page refreshes when the time is up.",
    );
    expect(see(facts({ notice: { severity: "security" } })).body).toBe(
      "This version has a known security problem.",
    );
  });
});

describe("a hold", () => {
  const held = (holdMs: number, ...holds: string[]) => facts({ pressed: true, holds, holdMs });

  test("says how long it may last, and why", () => {
    const seen = see(held(299_000, "draft", "unsaved input"));
    expect(seen.body).toBe("Waiting for “draft, unsaved input”, 4:59 at most.");
    expect(seen.announce).toBe("Waiting for “draft, unsaved input”, 5 minutes at most.");
    expect(seen.shows).toBe(false);
    seen.primary?.press();
    seen.escape?.();
    expect([seen.primary?.label, ...log]).toEqual(["Refresh anyway", "press", "snooze"]);
  });

  test("is announced when it begins, at a minute, at twenty seconds, and when the reason changes", () => {
    const said = new Set<string>();
    for (let ms = 7 * MINUTE; ms > 0; ms -= 1_000)
      said.add(see(held(ms, ms > 30_000 ? "draft" : "upload")).announce);
    expect([...said]).toEqual([
      "Waiting for “draft”, 7 minutes at most.",
      "Waiting for “draft”, 1 minute at most.",
      "Waiting for “upload”, 30 seconds at most.",
      "Waiting for “upload”, 20 seconds at most.",
    ]);
  });

  test("that a countdown waits for can't be put off", () => {
    const seen = see(counting(0, { holds: ["draft"], holdMs: MINUTE }));
    expect([seen.secondary, seen.escape]).toEqual([undefined, undefined]);
  });
});

describe("a countdown", () => {
  test("is announced at its start, at a minute and at twenty seconds", () => {
    const said = new Set<string>();
    for (let ms = 2 * MINUTE; ms > 0; ms -= 1_000) said.add(see(counting(ms)).announce);
    expect([...said]).toEqual([
      "A new version is ready. The page refreshes when the time is up. 2 minutes.",
      "The page refreshes when the time is up. 1 minute.",
      "The page refreshes when the time is up. 20 seconds.",
    ]);
  });

  test("that got more time is announced anew", () => {
    see(counting(2 * MINUTE));
    see(counting(50_000));
    expect(see(counting(350_000)).announce).toContain("6 minutes");
    expect(see(counting(55_000)).announce).toContain("1 minute");
  });

  test("that is short says so", () => {
    expect(see(counting(10_000, { action: "force", lengthMs: 10_000 })).announce).toContain("10 seconds");
  });

  test("ticks, and offers more time only while there is some", () => {
    const seen = see(counting(299_001, { mayExtend: true }));
    expect([seen.clock, seen.secondary?.label]).toEqual(["5:00", "More time"]);
    expect(seen.left).toBeCloseTo(0.9967);
    expect(see(counting(9_000)).clock).toBe("0:09");
    expect(see(counting(9_000)).secondary).toBeUndefined();
  });
});

describe("how it fares", () => {
  test("is not the notice itself", () => {
    const states = [facts({ state: "failed" }), facts({ state: "looking" }), facts({ state: "leaving" })];
    for (const of of [...states, facts({ state: "unavailable", pressed: true })])
      expect(see(of).shows).toBe(false);
    expect(see(facts()).shows).toBe(true);
  });

  test("is told of an update that isn't there only to who asked for it, or had no choice", () => {
    expect(see(facts({ state: "unavailable" })).body).toBe("Refresh whenever it suits you.");
    expect(see(facts({ state: "unavailable", pressed: true })).body).toMatch(/keep trying/);
    const seen = see(counting(0, { state: "unavailable" }));
    seen.secondary?.press();
    expect([seen.secondary?.label, ...log]).toEqual(["Later", "dismiss"]);
  });

  test("a failure can only be closed", () => {
    const seen = see(facts({ state: "failed", notice: { reason: "CVE" } }));
    expect([seen.mood, seen.primary, seen.note]).toEqual(["failed", undefined, ""]);
    seen.secondary?.press();
    expect(log).toEqual(["dismiss"]);
  });

  test("busy, it takes no press", () => {
    expect(see(facts({ state: "looking" })).busy).toBe(true);
  });
});
