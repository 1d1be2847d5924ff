import { expect, test } from "vitest";
import { begin, extend, mayExtend, remaining, tick, type Countdown } from "../src/act/countdown.js";
import type { Notice } from "../src/core/wire.js";

const MINUTE = 60_000;
const notice = (rest: Partial<Notice> = {}): Notice => ({
  notice: 1,
  run: 1,
  step: 0,
  action: "countdown",
  build: "B",
  ...rest,
});

/** Ticks every second for a while. */
function pass(countdown: Countdown, ms: number, visible: boolean): Countdown {
  const from = countdown.tickedAt;
  for (let at = 1_000; at <= ms; at += 1_000) countdown = tick(countdown, from + at, visible);
  return countdown;
}

test("five minutes unless the operator says otherwise, and never under one", () => {
  expect(remaining(begin(notice(), 0), 0)).toBe(5 * MINUTE);
  expect(remaining(begin(notice({ countdown_ms: 2 * MINUTE }), 0), 0)).toBe(2 * MINUTE);
  expect(remaining(begin(notice({ countdown_ms: 1_000 }), 0), 0)).toBe(MINUTE);
});

test("a page that was out of view still gets its visible minute", () => {
  const away = pass(begin(notice(), 0), 9 * MINUTE, false);
  expect(remaining(away, 9 * MINUTE)).toBe(MINUTE);
  const back = pass(away, MINUTE, true);
  expect(remaining(back, 10 * MINUTE)).toBeLessThanOrEqual(0);
});

test("a laptop that wakes is not reloaded in that second", () => {
  const watched = pass(begin(notice(), 0), 4 * MINUTE, true);
  const woken = tick(watched, 600 * MINUTE, true);
  expect(remaining(woken, 600 * MINUTE)).toBe(MINUTE);
});

test("more time is given again and again, up to the cap on holds", () => {
  let countdown = begin(notice({ countdown_ms: 2 * MINUTE, hold_cap_ms: 3 * MINUTE }), 0);
  countdown = extend(countdown, MINUTE);
  expect(countdown.endsAt).toBe(4 * MINUTE);
  countdown = extend(countdown, MINUTE);
  expect(countdown.endsAt).toBe(5 * MINUTE);
  expect(mayExtend(countdown)).toBe(false);
  expect(mayExtend(begin(notice({ hold_cap_ms: 0 }), 0))).toBe(false);
});

test("a step that escalates gives no time back", () => {
  const running = pass(begin(notice(), 0), 4 * MINUTE, true);
  expect(remaining(begin(notice({ step: 1 }), 4 * MINUTE, running), 4 * MINUTE)).toBe(MINUTE);
  const forced = begin(notice({ step: 2, action: "force" }), 4 * MINUTE, running);
  expect(remaining(forced, 4 * MINUTE)).toBe(10_000);
  const late = pass(running, 55_000, true);
  expect(remaining(begin(notice({ action: "force" }), late.tickedAt, late), late.tickedAt)).toBe(5_000);
});

test("force gives ten seconds, in view or not, and can't be stretched", () => {
  const forced = begin(notice({ action: "force" }), 0);
  expect(remaining(pass(forced, 10_000, false), 10_000)).toBe(0);
  expect(mayExtend(forced)).toBe(false);
});
