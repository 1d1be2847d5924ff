import { expect, test } from "vitest";
import { actionFor, newer, pierces, rank } from "../src/act/ladder.js";
import type { Notice } from "../src/core/wire.js";

const notice = (rest: Partial<Notice>): Notice => ({
  notice: 1,
  run: 1,
  step: 0,
  action: "prompt",
  build: "B",
  ...rest,
});

test("an unknown action is what the same campaign asked before, or else navigate", () => {
  const strange = notice({ action: "modal", step: 1 });
  expect(actionFor(strange, { notice: 1, action: "prompt" })).toBe("prompt");
  expect(actionFor(strange, { notice: 7, action: "prompt" })).toBe("navigate");
  expect(actionFor(strange)).toBe("navigate");
  expect(actionFor(notice({ action: "force" }), { notice: 1, action: "prompt" })).toBe("force");
});

test("a snooze is pierced by a higher severity or a stronger action only", () => {
  const snoozed = rank("prompt", notice({ severity: "important" }));
  expect(pierces(rank("prompt", notice({ severity: "important" })), snoozed)).toBe(false);
  expect(pierces(rank("prompt", notice({ severity: "normal" })), snoozed)).toBe(false);
  expect(pierces(rank("prompt", notice({ severity: "security" })), snoozed)).toBe(true);
  expect(pierces(rank("countdown", notice({ severity: "normal" })), snoozed)).toBe(true);
});

test("a version is newer by its three numbers alone", () => {
  expect(newer("1.10.0", "1.9.3")).toBe(true);
  expect(newer("1.9.3", "1.10.0")).toBe(false);
  expect(newer("2.0.0-rc.1", "2.0.0")).toBe(false);
  expect(newer("2.0.0", undefined)).toBe(false);
  expect(newer(undefined, "2.0.0")).toBe(false);
});
