// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { poller } from "../src/act/poll.js";
import type { Poller } from "../src/act/seam.js";
import type { Status } from "../src/core/options.js";
import type { Host } from "../src/core/part.js";
import type { PageFrame, ServerFrame } from "../src/core/wire.js";
import { eventually } from "./eventually.js";
import { listen, type Server } from "./server.js";

const SECOND = 1_000;
const MINUTE = 60_000;
const SHOWN: PageFrame = { type: "outcome", notice: 42, is: "shown" };

let failures: number;
let connection: Status["connection"];
let heard: ServerFrame[];
let polled: number;
let end: AbortController;
let polls: Poller;

function begin(base: string, token?: () => unknown) {
  const { signal } = (end = new AbortController());
  const host: Partial<Host> = {
    base,
    options: { app: "web" },
    status: () => ({ standing: "unknown", why: null, current: null, connection, notice: null }),
    line: { send: () => false, kick() {}, close() {}, failures: () => failures },
    hello: (token) => ({ type: "hello", app: "web", build: "A", token }),
    token: token ?? (() => undefined),
    hear: (frame) => void heard.push(frame),
    polling: () => void polled++,
    on: (target, event, listener) => target.addEventListener(event, listener, { capture: true, signal }),
  };
  polls = poller(host as Host);
}

beforeEach(() => {
  [failures, heard, polled, connection] = [0, [], 0, "waiting"];
  vi.spyOn(Math, "random").mockReturnValue(0);
});

afterEach(() => {
  failures = 0;
  polls.update();
  end.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("over a real line", () => {
  let server: Server;

  beforeEach(async () => {
    server = await listen();
    server.welcome = { standing: "stale", why: null, current: { build: "B" } };
    begin(server.url, async () => "t-1");
  });
  afterEach(() => server.stop());

  test("two sockets that came to nothing begin it, and one that opens ends it", async () => {
    polls.update();
    failures = 1;
    polls.update();
    polls.post(SHOWN);
    failures = 2;
    polls.update();
    await eventually(() => server.polls.length > 2);
    expect(server.polls[0]).toMatchObject({
      type: "hello",
      app: "web",
      build: "A",
      token: "t-1",
      frames: [],
    });
    expect(polled).toBeGreaterThan(1);
    failures = 0;
    polls.update();
    const before = polled;
    polls.post(SHOWN);
    const after = server.polls.length;
    await fetch(server.url, { method: "POST", body: "{}" });
    expect(server.polls.length).toBeLessThanOrEqual(after + 2);
    expect(polled).toBe(before);
  });

  test("delivers what a socket would have", async () => {
    server.polled = {
      notice: { notice: 42, run: 42, step: 0, action: "prompt", build: "B" },
      pushes: [{ push: 7, topic: "flags", data: 1 }],
      frames: [{ type: "better", build: "C", better: true }],
      next_s: 60,
    };
    failures = 2;
    polls.update();
    await eventually(() => heard.length);
    expect(heard).toEqual([
      {
        type: "welcome",
        session: "s-1",
        resume: "r-1",
        node: "n-1",
        standing: "stale",
        why: null,
        current: { build: "B" },
      },
      { type: "better", build: "C", better: true },
      { type: "notice", notice: 42, run: 42, step: 0, action: "prompt", build: "B" },
      { type: "push", push: 7, topic: "flags", data: 1 },
    ]);
  });

  test("what the page has to say goes at once, and a ping goes nowhere", async () => {
    server.polled = { notice: null, pushes: [], next_s: 3_600 };
    failures = 2;
    polls.update();
    await eventually(() => polled == 1);
    polls.post({ type: "ping" });
    polls.post(SHOWN);
    await eventually(() => polled == 2);
    expect(server.polls.map(({ frames }) => frames)).toEqual([[], [SHOWN]]);
  });

  test("what is said while a poll is under way goes with the next, sixteen at a time", async () => {
    server.polled = { notice: null, pushes: [], next_s: 3_600 };
    failures = 2;
    polls.update();
    for (let notice = 0; notice < 20; notice++) polls.post({ type: "outcome", notice, is: "shown" });
    await eventually(() => server.polls.flatMap(({ frames }) => frames).length == 20);
    expect(Math.max(...server.polls.map(({ frames }) => frames.length))).toBe(16);
  });
});

describe("by the clock", () => {
  let answer: () => Promise<Response>;
  const asked = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers();
    asked.mockReset();
    vi.stubGlobal("fetch", (...request: unknown[]) => (asked(...request), answer()));
    begin("https://freshwire.test");
    failures = 2;
  });

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const refuse = (status: number, body: unknown) => async () =>
    new Response(JSON.stringify(body), { status });
  const welcome = { session: "s", resume: "r", node: "n", standing: "current", why: null, current: null };

  test("comes back when the server said, and no other credentials go with it", async () => {
    answer = refuse(200, { welcome, notice: null, pushes: [], next_s: 45 });
    polls.update();
    await pass(44 * SECOND);
    expect(asked).toHaveBeenCalledOnce();
    expect(asked.mock.calls[0]).toMatchObject([
      "https://freshwire.test/v1/apps/web/poll",
      { method: "POST", credentials: "omit" },
    ]);
    // A string without a content type is text/plain, which needs no preflight.
    expect(asked.mock.calls[0]![1].headers).toBeUndefined();
    await pass(SECOND);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test("comes back no more once a socket has opened, and does again when that is lost", async () => {
    answer = refuse(200, { welcome, notice: null, pushes: [], next_s: 45 });
    polls.update();
    await pass(0);
    failures = 0;
    polls.update();
    await pass(20 * MINUTE);
    expect(asked).toHaveBeenCalledOnce();
    failures = 2;
    polls.update();
    await pass(0);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test("comes back later when neither way gets through", async () => {
    answer = () => Promise.reject(new TypeError("Failed to fetch"));
    polls.update();
    await pass(29 * SECOND);
    expect(asked).toHaveBeenCalledOnce();
    await pass(SECOND);
    expect(asked).toHaveBeenCalledTimes(2);
    expect(polled).toBe(0);
  });

  test.each([4000, 4004, 4099])(
    "told to stop by %i stays away for ten minutes, whatever happens here",
    async (close) => {
      answer = refuse(403, { error: "refused", close });
      polls.update();
      await pass(5 * MINUTE);
      polls.post(SHOWN);
      await pass(5 * MINUTE - SECOND);
      expect(asked).toHaveBeenCalledOnce();
      answer = refuse(200, { welcome, notice: null, pushes: [], next_s: 60 });
      await pass(SECOND);
      expect(asked).toHaveBeenCalledTimes(2);
      expect(JSON.parse(asked.mock.calls[1]![1].body).frames).toEqual([SHOWN]);
    },
  );

  test.each([
    [429, { error: "too_many", close: 4129 }],
    [503, {}],
  ])("an answer of %i that doesn't say so is tried again soon", async (status, body) => {
    answer = refuse(status, body);
    polls.update();
    await pass(31 * SECOND);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test("has one poll under way at a time", async () => {
    answer = () => new Promise(() => {});
    polls.update();
    await pass(0);
    polls.post(SHOWN);
    await pass(MINUTE);
    expect(asked).toHaveBeenCalledOnce();
  });

  test.each([
    [false, 3001],
    [true, 3003],
  ])("says goodbye on leaving (into the back/forward cache: %s)", async (persisted, code) => {
    const beacon = vi.fn();
    Object.defineProperty(navigator, "sendBeacon", { configurable: true, value: beacon });
    answer = refuse(200, { welcome, notice: null, pushes: [], next_s: 60 });
    polls.update();
    await pass(0);
    addEventListener(
      "pagehide",
      () => {
        connection = "closed";
        polls.update();
      },
      { once: true },
    );
    dispatchEvent(Object.assign(new Event("pagehide"), { persisted }));
    // Nothing that the page still says brings it back.
    polls.post(SHOWN);
    await pass(MINUTE);
    expect(asked).toHaveBeenCalledOnce();
    expect(beacon.mock.calls[0]![0]).toBe("https://freshwire.test/v1/apps/web/poll");
    expect(JSON.parse(beacon.mock.calls[0]![1])).toMatchObject({ frames: [{ type: "bye", code }] });
    Reflect.deleteProperty(navigator, "sendBeacon");
  });
});
