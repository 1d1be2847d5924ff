import { expect, test } from "vitest";
import { sighted, type Sight } from "../src/core/seen.js";

const notice = (notice: number, run: number, step: number) => ({
  notice,
  run,
  step,
  action: "prompt",
  build: "B",
});

test("a step is received at its own moment", () => {
  const seen = sighted([], notice(42, 42, 0), 1_000);
  expect(seen).toEqual([{ notice: 42, run: 42, step: 0, is: "received", at: 1_000 }]);
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
