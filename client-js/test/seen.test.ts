import { expect, test } from "vitest";
import { asTold, sighted, type Sight } from "../src/core/seen.js";

const notice = (notice: number, run: number, step: number) => ({
  notice,
  run,
  step,
  action: "prompt",
  build: "B",
});

test("a step's age counts from its own receipt", () => {
  const seen = sighted([], notice(42, 42, 0), 1_000);
  expect(asTold(seen, 61_000)).toEqual([{ notice: 42, run: 42, step: 0, is: "received", ago_ms: 60_000 }]);
});

test("the latest step of a campaign replaces the earlier", () => {
  const seen = sighted(sighted([], notice(42, 42, 0), 1_000), notice(42, 42, 1), 5_000);
  expect(seen).toEqual([{ notice: 42, run: 42, step: 1, is: "received", at: 5_000 }]);
});

test("the same step again keeps its first receipt and its outcome; a new run starts afresh", () => {
  const snoozed: Sight[] = [{ notice: 42, run: 42, step: 0, is: "snoozed", at: 1_000 }];
  expect(sighted(snoozed, notice(42, 42, 0), 9_000)).toEqual(snoozed);
  expect(sighted(snoozed, notice(42, 50, 0), 9_000)[0]).toMatchObject({ run: 50, is: "received", at: 9_000 });
});

test("only the latest eight campaigns are told", () => {
  let seen: Sight[] = [];
  for (let n = 0; n < 20; n++) seen = sighted(seen, notice(n, n, 0), n);
  expect(seen.map((s) => s.notice)).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
});

test("a clock that was set back gives no negative age", () => {
  expect(asTold(sighted([], notice(1, 1, 0), 5_000), 1_000)[0]!.ago_ms).toBe(0);
});
