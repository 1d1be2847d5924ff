// @vitest-environment jsdom
import { derived, get as read } from "svelte/store";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { computed, customRef, isRef, nextTick, watch } from "vue";
import { connect, type Freshwire, type Status } from "../src/index.js";
import { stores } from "../src/store.js";
import { eventually } from "./eventually.js";
import { memoryStorage } from "./memory-storage.js";
import { listen, type Server } from "./server.js";

const STALE = { type: "standing", standing: "stale", why: null, current: { build: "B" } };
const CURRENT = { type: "standing", standing: "current", why: null, current: { build: "A" } };

let server: Server;
let fresh: Freshwire;

beforeEach(async () => {
  vi.stubGlobal("sessionStorage", memoryStorage());
  server = await listen();
  fresh = connect({ url: server.url, app: "web", build: "A" });
  await eventually(() => fresh.status.connection == "open");
});

afterEach(async () => {
  fresh.close();
  vi.unstubAllGlobals();
  await server.stop();
});

const say = async (frame: typeof STALE) => {
  server.peers[0]!.send(frame);
  await eventually(() => fresh.status.standing == frame.standing);
};

describe("a store", () => {
  test("gives its value at once, at every change, and no more after the undo", async () => {
    const seen: Status["standing"][] = [];
    const undo = stores(fresh).status.subscribe(({ standing }) => seen.push(standing));
    expect(seen).toEqual(["unknown"]);
    await say(STALE);
    expect(seen.at(-1)).toBe("stale");
    const told = seen.length;
    undo();
    await say(CURRENT);
    expect(seen).toHaveLength(told);
    expect(stores(fresh).status.value).toBe(fresh.status);
  });

  test("of whether there is an update speaks only when that changes", async () => {
    const seen: boolean[] = [];
    const { updated } = stores(fresh);
    updated.subscribe((is) => seen.push(is));
    await say(STALE);
    fresh.hold("a draft")();
    await say({ ...STALE, standing: "unsupported", why: "minimum" as never });
    await say(CURRENT);
    expect(seen).toEqual([false, true, false]);
    expect(updated.value).toBe(false);
  });

  test("is a Svelte store as it stands", async () => {
    const { status, updated } = stores(fresh);
    const words = derived([status, updated], ([{ standing }, is]) => `${standing} ${is}`);
    const seen: string[] = [];
    const undo = words.subscribe((word) => seen.push(word));
    await say(STALE);
    expect(seen[0]).toBe("unknown false");
    expect(seen.at(-1)).toBe("stale true");
    expect(read(status)).toBe(fresh.status);
    undo();
  });

  test("is what Vue's customRef takes", async () => {
    const { status, updated } = stores(fresh);
    const vue = { status: customRef(status.ref), updated: customRef(updated.ref) };
    expect(isRef(vue.status)).toBe(true);
    const words = computed(() => `${vue.status.value.standing} ${vue.updated.value}`);
    const seen: string[] = [words.value];
    const undo = watch(words, (word) => seen.push(word));
    await say(STALE);
    await nextTick();
    expect(seen).toEqual(["unknown false", "stale true"]);
    vue.updated.value = false;
    expect(vue.updated.value).toBe(true);
    undo();
  });
});
