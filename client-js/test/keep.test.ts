// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keeper, type Keeps } from "../src/core/keep.js";
import type { KeepOptions } from "../src/core/options.js";
import type { Host } from "../src/core/part.js";
import { store, type Store } from "../src/core/storage.js";
import { restorePlace, saveKeeps, savePlace } from "../src/go/keep.js";
import { memoryStorage } from "./memory-storage.js";

const MINUTE = 60_000;

let kept: Store;
let warned: ReturnType<typeof vi.spyOn>;
let end: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("sessionStorage", memoryStorage());
  kept = store("web", false);
  warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  end = new AbortController();
});

afterEach(() => {
  end.abort();
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const host = (keeps: Keeps = new Map()) =>
  ({
    store: kept,
    keeps,
    on: (target, event, listener) =>
      target.addEventListener(event, listener, { capture: true, signal: end.signal }),
  }) as Partial<Host> as Host;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
/** The page before a refresh saves; what couldn't be saved is returned. */
async function save(what: Record<string, () => unknown>, options?: KeepOptions): Promise<string[]> {
  const { keeps, keep } = keeper(kept);
  for (const [name, saves] of Object.entries(what)) keep(name, saves, () => {}, options);
  const lost = saveKeeps(host(keeps));
  await pass(2_000);
  return lost;
}
const nothing = () => undefined;

describe("a kept state", () => {
  test("is given back as soon as the page after asks, and only to it", async () => {
    expect(await save({ draft: () => ({ text: "Dear" }) })).toEqual([]);
    const restored: unknown[] = [];
    keeper(kept).keep("other", nothing, (state) => restored.push(state));
    keeper(kept).keep("draft", nothing, (state) => restored.push(state));
    expect(restored).toEqual([{ text: "Dear" }]);
    await pass(0);
    expect(sessionStorage).toHaveLength(0);
  });

  test("is there until its restore is done", async () => {
    await save({ draft: async () => "Dear" });
    let done = () => {};
    keeper(kept).keep("draft", nothing, () => new Promise<void>((resolve) => (done = resolve)));
    await pass(0);
    expect(kept.get("keep:draft")).toMatchObject({ state: "Dear" });
    done();
    await pass(0);
    expect(kept.get("keep:draft")).toBeUndefined();
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
    ["rejects", () => Promise.reject(new Error("mine"))],
  ])("stays for another load when the restore %s", async (_, restore) => {
    await save({ draft: () => "Dear" });
    keeper(kept).keep("draft", nothing, restore);
    await pass(0);
    expect(kept.get("keep:draft")).toMatchObject({ state: "Dear" });
    const again = vi.fn();
    keeper(kept).keep("draft", nothing, again);
    expect(again).toHaveBeenCalledExactlyOnceWith("Dear");
  });

  test("is restored once in a document, however often it is asked for", async () => {
    await save({ draft: () => "Dear" });
    const { keep } = keeper(kept);
    const restore = vi.fn().mockRejectedValue(new Error("mine"));
    keep("draft", nothing, restore)();
    await pass(0);
    keep("draft", nothing, restore);
    expect(restore).toHaveBeenCalledOnce();
  });

  test.each<[string, KeepOptions | undefined]>([
    ["version", { version: 2, owner: "ann" }],
    ["owner", { version: 1, owner: "bob" }],
    ["lack of either", undefined],
  ])("of another %s is discarded", async (_, options) => {
    await save({ draft: () => "Dear" }, { version: 1, owner: "ann" });
    const restore = vi.fn();
    keeper(kept).keep("draft", nothing, restore, options);
    await pass(0);
    expect(restore).not.toHaveBeenCalled();
    expect(sessionStorage).toHaveLength(0);
  });

  test("of the same version and owner isn't", async () => {
    await save({ draft: () => "Dear" }, { version: 1, owner: "ann" });
    const restore = vi.fn();
    keeper(kept).keep("draft", nothing, restore, { owner: "ann", version: 1 });
    expect(restore).toHaveBeenCalledOnce();
  });

  test("is too old after half an hour", async () => {
    await save({ draft: () => "Dear", list: () => [1] });
    const restore = vi.fn();
    await pass(29 * MINUTE);
    keeper(kept).keep("draft", nothing, restore);
    expect(restore).toHaveBeenCalledOnce();
    await pass(MINUTE);
    keeper(kept).keep("list", nothing, restore);
    await pass(0);
    expect(restore).toHaveBeenCalledOnce();
    expect(kept.get("keep:list")).toBeUndefined();
  });
});

describe("saving", () => {
  test("takes several at once, undone ones and those with nothing to say not", async () => {
    const { keeps, keep } = keeper(kept);
    keep(
      "gone",
      () => 1,
      () => {},
    )();
    const undo = keep(
      "twice",
      () => "first",
      () => {},
    );
    keep(
      "twice",
      () => "second",
      () => {},
    );
    undo();
    keep(
      "silent",
      () => undefined,
      () => {},
    );
    expect(await saveKeeps(host(keeps))).toEqual([]);
    expect(sessionStorage).toHaveLength(1);
    expect(kept.get("keep:twice")).toMatchObject({ state: "second" });
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
    ["is too slow", () => new Promise(() => {})],
    ["is too large", () => "x".repeat(500_000)],
    ["is no data", () => () => {}],
  ])("that %s is named, and doesn't cost the others theirs", async (_, bad) => {
    expect(await save({ bad, draft: () => "Dear" })).toEqual(["bad"]);
    expect(kept.get("keep:draft")).toMatchObject({ state: "Dear" });
    expect(kept.get("keep:bad")).toBeUndefined();
  });

  test("into a full storage is named too, with what is wrong", async () => {
    vi.spyOn(sessionStorage, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    expect(await save({ cart: () => 1 })).toEqual(["cart"]);
    expect(warned.mock.calls[0]).toMatchObject([
      'freshwire: keep("cart") can\'t be saved',
      { message: "storage is blocked or full" },
    ]);
  });

  test("waits for an async save, and no longer than a second and a half", async () => {
    const { keeps, keep } = keeper(kept);
    keep(
      "draft",
      () => new Promise((done) => setTimeout(done, 1_400, "Dear")),
      () => {},
    );
    keep(
      "never",
      () => new Promise(() => {}),
      () => {},
    );
    let lost: string[] | undefined;
    void saveKeeps(host(keeps)).then((names) => (lost = names));
    await pass(1_499);
    expect(lost).toBeUndefined();
    await pass(1);
    expect(lost).toEqual(["never"]);
    expect(kept.get("keep:draft")).toMatchObject({ state: "Dear" });
  });
});

describe("the place", () => {
  let height: number;
  let scrolled: number[];

  beforeEach(() => {
    [height, scrolled] = [5_000, []];
    vi.spyOn(document.documentElement, "scrollHeight", "get").mockImplementation(() => height);
    vi.stubGlobal("scrollTo", (_: number, y: number) => scrolled.push(y));
    vi.stubGlobal("scrollY", 1_200);
    // What jsdom doesn't have.
    vi.stubGlobal("CSS", { escape: (text: string) => text.replace(/[^\w-]/g, "\\$&") });
    document.body.innerHTML = "<input id=name><input name='a\"b'>";
  });
  const fields = () => document.querySelectorAll("input");

  test.each([0, 1])("on the page, and the field that has the focus, are brought back (%s)", (n) => {
    fields()[n]!.focus();
    savePlace(host());
    fields()[n]!.blur();
    restorePlace(host());
    expect(scrolled).toEqual([1_200]);
    expect(document.activeElement).toBe(fields()[n]);
    expect(sessionStorage).toHaveLength(0);
  });

  test("waits until the page is as long as it was, for three seconds", async () => {
    savePlace(host());
    height = 700;
    restorePlace(host());
    await pass(1_000);
    expect(scrolled).toEqual([]);
    height = 5_000;
    await pass(100);
    expect(scrolled).toEqual([1_200]);
    savePlace(host());
    height = 700;
    restorePlace(host());
    await pass(4_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is left to a user who has moved on, and a focus that is elsewhere is left there", async () => {
    fields()[0]!.focus();
    savePlace(host());
    fields()[1]!.focus();
    height = 700;
    restorePlace(host());
    expect(document.activeElement).toBe(fields()[1]);
    dispatchEvent(new Event("wheel"));
    height = 5_000;
    await pass(1_000);
    expect(scrolled).toEqual([]);
  });

  test("belongs to its own address", () => {
    savePlace(host());
    history.replaceState(null, "", "/elsewhere");
    restorePlace(host());
    expect(scrolled).toEqual([]);
    expect(sessionStorage).toHaveLength(0);
    history.replaceState(null, "", "/");
  });
});
