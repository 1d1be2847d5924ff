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
      "a 1 second {other}",
    );
  });

  test("of a recall don't call it new, whatever the app calls what is", () => {
    expect(see(facts({ recall: true }), { title: "Ready" }).title).toBe(
      "We’ve gone back to an earlier version",
    );
    expect(see(facts({ recall: true, notice: { text: { title: "Back" } } })).title).toBe("Back");
    expect(see(facts({ recall: true, notice: { severity: "security" } })).title).toBe(
      "We’ve gone back to an earlier version",
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
    expect(seen.body).toBe("Waiting for “draft, unsaved input”, 5 minutes at most.");
    expect([seen.announce, seen.clock]).toEqual([seen.body, "4:59"]);
    expect(seen.shows).toBe(false);
  });

  test("has the safe choice first, where the refresh was pressed before", () => {
    const seen = see(held(299_000, "draft"));
    seen.secondary?.press();
    seen.primary?.press();
    seen.escape?.();
    expect([seen.primary?.label, seen.secondary?.label]).toEqual(["Later", "Refresh anyway"]);
    expect(log).toEqual(["press", "snooze", "snooze"]);
    const counted = see(counting(0, { holds: ["draft"], holdMs: MINUTE, mayExtend: true }));
    counted.primary?.press();
    expect([counted.primary?.label, log.pop()]).toEqual(["More time", "moreTime"]);
  });

  test("of one name is one, whoever holds", () => {
    const seen = see(held(299_000, "draft", "unsaved input", "draft", "Entwurf"), { unsaved: "Entwurf" });
    expect(seen.body).toBe("Waiting for “draft, Entwurf”, 5 minutes at most.");
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
    expect([seen.primary, seen.secondary?.label, seen.escape]).toEqual([
      undefined,
      "Refresh anyway",
      undefined,
    ]);
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

  test("says what its end will wait for, and how long, as long as something holds", () => {
    const held = { reasons: ["unsaved input"], capMs: 10 * MINUTE };
    const seen = see(counting(2 * MINUTE, held));
    expect(seen.body).toBe("When the time is up, the page waits for “unsaved input”, 10 minutes at most.");
    expect(seen.announce).toBe(`A new version is ready. ${seen.body} 2 minutes.`);
    expect(see(counting(2 * MINUTE)).body).toBe("The page refreshes when the time is up.");
    // Nothing holds a force.
    expect(see(counting(9_000, { ...held, action: "force", capMs: 0 })).body).toBe(
      "The page refreshes when the time is up.",
    );
  });

  test("may be folded, but not in its last twenty seconds, nor is any other card", () => {
    expect(see(counting(21_000)).folds).toBe(42);
    expect(see(counting(20_000)).folds).toBeUndefined();
    expect(see(counting(0, { holds: ["draft"], holdMs: MINUTE })).folds).toBe(42);
    expect(see(counting(0, { holds: ["draft"], holdMs: 20_000 })).folds).toBeUndefined();
    expect(see(counting(MINUTE, { state: "failed" })).folds).toBeUndefined();
    expect(see(facts()).folds).toBeUndefined();
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
