import { beforeEach, expect, test, vi } from "vitest";
import { guard } from "../src/go/guard.js";
import { store, type Store } from "../src/core/storage.js";
import { memoryStorage } from "./memory-storage.js";

const HOUR = 3_600_000;
let kept: Store;

beforeEach(() => {
  vi.stubGlobal("sessionStorage", memoryStorage());
  kept = store("web", false);
});

/** Every reload is a new page, so a new guard on the same storage. */
const page = (build = "A") => guard(kept, build);

const loadedBy = (type: string) =>
  vi.spyOn(performance, "getEntriesByType").mockReturnValue([{ type }] as never);

test("a target is tried three times, over reloads, and no more", () => {
  for (let tries = 1; tries <= 3; tries++) {
    expect(page().mayReload("B", true, 0)).toBe(true);
    expect(page().count("B", true, 0)).toBe(tries);
  }
  expect(page().mayReload("B", true, 9 * HOUR)).toBe(false);
  expect(page().mayReload("B", false, 9 * HOUR)).toBe(false);
});

test("another target has tries of its own", () => {
  for (let n = 0; n < 3; n++) page().count("B", false, 0);
  expect(page().mayReload("C", true, 0)).toBe(true);
});

test("arriving on the target ends its count", () => {
  for (let n = 0; n < 3; n++) page().count("B", false, 0);
  page("B");
  expect(page("A").mayReload("B", true, 0)).toBe(true);
});

test("four automatic reloads an hour at most, whatever the target", () => {
  for (let n = 0; n < 4; n++) page().count(`B${n}`, true, n);
  expect(page().mayReload("C", true, HOUR - 1)).toBe(false);
  expect(page().mayReload("C", true, HOUR)).toBe(true);
});

test("the hour is kept when the count by target is cleared", () => {
  for (let n = 0; n < 4; n++) page().count(`B${n}`, true, 0);
  kept.set("guard", undefined);
  expect(page().mayReload("C", true, 1)).toBe(false);
});

test("a user's own press is neither stopped by the hour nor counted in it", () => {
  for (let n = 0; n < 4; n++) page().count(`B${n}`, true, 0);
  expect(page().mayReload("C", false, 1)).toBe(true);
  kept.set("reloads", undefined);
  for (let n = 0; n < 9; n++) page().count(`D${n}`, false, 2);
  expect(page().mayReload("E", true, 3)).toBe(true);
});

test("a clock that was set back doesn't open the gate", () => {
  for (let n = 0; n < 4; n++) page().count(`B${n}`, true, 5 * HOUR);
  expect(page().mayReload("C", true, 0)).toBe(false);
});

test("a redirect is followed once per target", () => {
  expect(page().mayFollowRedirect("B")).toBe(true);
  page().followRedirect("B");
  expect(page().mayFollowRedirect("B")).toBe(false);
  expect(page().mayFollowRedirect("C")).toBe(true);
});

test.each(["reload", "back_forward"])(
  "without storage a page loaded by %s doesn't reload by itself",
  (type) => {
    loadedBy(type);
    const bare = guard(store("web", true), "A");
    expect(bare.mayReload("B", true, 0)).toBe(false);
    expect(bare.mayReload("B", false, 0)).toBe(true);
  },
);

test("without storage a page that was navigated to reloads by itself once", () => {
  loadedBy("navigate");
  const bare = guard(store("web", true), "A");
  expect(bare.mayReload("B", true, 0)).toBe(true);
  bare.count("B", true, 0);
  expect(bare.mayReload("B", true, 0)).toBe(false);
});

test("a storage that refuses to be written is as good as none", () => {
  loadedBy("reload");
  vi.spyOn(sessionStorage, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  expect(guard(kept, "A").mayReload("B", true, 0)).toBe(false);
});
