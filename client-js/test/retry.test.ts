import { afterEach, expect, test, vi } from "vitest";
import { retryAfter } from "../src/core/retry.js";

const MINUTE = 60_000;
const jitter = (value: number) => vi.spyOn(Math, "random").mockReturnValue(value);

afterEach(() => vi.restoreAllMocks());

test("the first retry already has full jitter", () => {
  jitter(0);
  expect(retryAfter(1006, 0, 0)[0]).toBe(0);
  jitter(0.5);
  expect(retryAfter(1006, 0, 0)[0]).toBe(1_000);
});

test("back-off doubles up to thirty seconds and stays there, however many attempts", () => {
  jitter(1);
  expect([0, 1, 2, 3, 4, 5, 60, 5_000].map((attempt) => retryAfter(1006, attempt, 0)[0])).toEqual([
    2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000,
  ]);
});

test("a code of 4000 to 4099 waits ten minutes at the soonest, also when unknown", () => {
  jitter(0);
  for (const code of [4000, 4003, 4042, 4099]) {
    expect(retryAfter(code, 0, 0)).toEqual([10 * MINUTE, true]);
  }
});

test("an unknown app is asked for again from fifteen seconds while the page is young", () => {
  jitter(0);
  expect(retryAfter(4004, 3, 9 * MINUTE)[0]).toBe(15_000);
  expect(retryAfter(4004, 3, 10 * MINUTE)[0]).toBe(10 * MINUTE);
});

test("a code of 4100 to 4199 backs off, also when unknown", () => {
  jitter(1);
  for (const code of [4101, 4102, 4103, 4110, 4129, 4199]) {
    expect(retryAfter(code, 0, 0)).toEqual([2_000, false]);
  }
});

test("a time that the server has told is kept to, whatever the socket closes with", () => {
  jitter(1);
  expect(retryAfter(4200, 0, 0, 1234)).toEqual([1234, true]);
  expect(retryAfter(1006, 3, 0, 1234)).toEqual([1234, true]);
  expect(retryAfter(4250, 0, 0, -5)[0]).toBe(0);
  expect(retryAfter(4200, 0, 0)).toEqual([2_000, false]);
});

test("but not by a page that is to stop", () => {
  jitter(0);
  expect(retryAfter(4003, 0, 0, 1234)).toEqual([10 * MINUTE, true]);
});

test("every other code backs off", () => {
  jitter(1);
  for (const code of [1000, 1001, 1006, 1011, 3000, 4300, 4999]) {
    expect(retryAfter(code, 1, 0)).toEqual([4_000, false]);
  }
});
