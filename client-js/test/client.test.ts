// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connect, get, type Freshwire, type Options } from "../src/index.js";
import type { Host } from "../src/core/part.js";
import type { Outcome } from "../src/core/wire.js";
import { memoryStorage } from "./memory-storage.js";
import { listen, type Peer, type Server } from "./server.js";
import { eventually } from "./eventually.js";

/** The parts come from source, and so often not at all. */
const parts = vi.hoisted(() => ({ fail: 0, prompt: true, asked: [] as number[], started: 0 }));
vi.mock("../src/core/load.js", () => ({
  async loadPart(_base: string, failed: number) {
    parts.asked.push(failed);
    if (failed < parts.fail) throw new TypeError("Failed to fetch dynamically imported module");
    const { start } = await import("../src/act/act.js");
    return {
      start(host: Host) {
        parts.started++;
        return start(host, {
          go: () => import("../src/go/index.js"),
          prompt: () =>
            parts.prompt ? import("../src/prompt/index.js") : Promise.reject(new Error("deleted")),
          preview: async () => {},
          busy: async () => ({ wrap: () => () => false }),
          poll: () => import("../src/act/poll.js"),
        });
      },
    };
  },
}));

let server: Server;
let fresh: Freshwire | undefined;

beforeEach(async () => {
  Object.assign(parts, { fail: 0, prompt: true, asked: [], started: 0 });
  vi.stubGlobal("sessionStorage", memoryStorage());
  vi.stubGlobal("localStorage", memoryStorage());
  // jsdom has none.
  navigator.sendBeacon = () => true;
  // Full jitter at its shortest: retries come at once.
  vi.spyOn(Math, "random").mockReturnValue(0);
  server = await listen();
});

afterEach(async () => {
  fresh?.close();
  fresh = undefined;
  document.head.replaceChildren();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  await server.stop();
});

const start = (options: Partial<Options> = {}) =>
  (fresh = connect({ url: server.url, app: "web", build: "A", ...options }));

const peer = (n = 0) => eventually(() => server.peers[n]);
const open = async (options: Partial<Options> = {}): Promise<Peer> => {
  const made = start(options);
  await eventually(() => made.status.connection == "open");
  return peer();
};
const leave = (persisted: boolean) => dispatchEvent(Object.assign(new Event("pagehide"), { persisted }));
const outcomes = (of: Peer): Outcome[] =>
  of.frames.flatMap((frame) => (frame.type == "outcome" && "notice" in frame ? [frame.is] : []));

const NOTICE = { type: "notice", notice: 42, run: 42, step: 0, action: "navigate", build: "B" };

describe("hello", () => {
  test("says the least when there is little to say", async () => {
    expect((await open()).hello).toEqual({
      type: "hello",
      app: "web",
      build: "A",
      client: "freshwire/test",
      page: { visible: true, holds: [] },
      frame: "top",
      seen: [],
    });
  });

  test("carries version, labels, token, and the build that the document names", async () => {
    document.head.innerHTML = '<meta name="freshwire-build" content="from-meta">';
    const { hello } = await open({
      build: undefined,
      version: "2.4.1",
      labels: { tenant: "acme" },
      token: async () => "t-1",
    });
    expect(hello).toMatchObject({
      build: "from-meta",
      version: "2.4.1",
      labels: { tenant: "acme" },
      token: "t-1",
    });
  });

  test("carries the session that this tab had before a reload, which is then nobody else's", async () => {
    sessionStorage.setItem("freshwire:web:session", '{"session":"s-0","resume":"r-0","via":"n-0"}');
    const { hello } = await open();
    expect(hello).toMatchObject({ session: "s-0", resume: "r-0", via: "n-0" });
    expect(sessionStorage).toHaveLength(0);
  });

  test("says after which refresh this page loaded, all its life long", async () => {
    const after = { notice: 42, from: "0", tries: 2 };
    sessionStorage.setItem("freshwire:web:after", JSON.stringify(after));
    const first = await open();
    expect(first.hello.after).toEqual(after);
    first.close(4101);
    expect((await peer(1)).hello.after).toEqual(after);
    expect(sessionStorage.getItem("freshwire:web:after")).toBeNull();
  });

  test("asks for a new token before every connection", async () => {
    let n = 0;
    const first = await open({ token: () => `t-${++n}` });
    first.close(4103);
    expect((await peer(1)).hello.token).toBe("t-2");
  });

  test("repeats what was seen, and its session, after the connection broke", async () => {
    const first = await open();
    const since = Date.now();
    first.send(NOTICE);
    await eventually(() => outcomes(first).length);
    first.close(1011);
    const { hello } = await peer(1);
    expect(hello).toMatchObject({ session: "s-1", resume: "r-1", via: "n-1" });
    expect(hello.seen).toMatchObject([{ notice: 42, run: 42, step: 0 }]);
    expect(hello.seen![0]!.ago_ms).toBeLessThanOrEqual(Date.now() - since);
  });
});

test("a session that another page has taken over is let go", async () => {
  const first = await open();
  first.close(4102);
  expect((await peer(1)).hello.session).toBeUndefined();
});

describe("leaving", () => {
  test("keeps the session for the next page of this tab, on pagehide only", async () => {
    const first = await open();
    first.send(NOTICE);
    await eventually(() => outcomes(first).length);
    expect(sessionStorage.getItem("freshwire:web:session")).toBeNull();
    leave(false);
    await eventually(() => first.closed);
    expect(first.closed).toBe(3001);
    const kept = JSON.parse(sessionStorage.getItem("freshwire:web:session")!);
    expect(kept).toMatchObject({ session: "s-1", resume: "r-1", via: "n-1", notice: { notice: 42 } });
    expect(kept.seen).toHaveLength(1);
  });

  test("what another build was told is forgotten", async () => {
    const kept = {
      build: "another",
      session: "s-1",
      resume: "r-1",
      seen: [{ notice: 42, run: 42, step: 0 }],
    };
    sessionStorage.setItem("freshwire:web:session", JSON.stringify(kept));
    const { hello } = await open();
    expect(hello.session).toBe("s-1");
    expect(hello.seen ?? []).toHaveLength(0);
  });

  test("into the back/forward cache says so, and coming back connects at once", async () => {
    const first = await open();
    leave(true);
    await eventually(() => first.closed);
    expect(first.closed).toBe(3003);
    dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    expect((await peer(1)).hello.session).toBe("s-1");
    expect(sessionStorage.getItem("freshwire:web:session")).toBeNull();
  });

  test("with storage none keeps nothing", async () => {
    const first = await open({ storage: "none" });
    leave(false);
    await eventually(() => first.closed);
    expect(sessionStorage).toHaveLength(0);
  });

  test("close ends the session, and the app may connect anew", async () => {
    const first = await open();
    fresh!.close();
    await eventually(() => first.closed);
    expect(first.closed).toBe(3001);
    expect(get("web")).toBeUndefined();
    expect(await open()).toBeDefined();
  });
});

describe("standing", () => {
  test("shows in the status, and its listeners can be undone", async () => {
    server.welcome = { standing: "stale", why: null, current: { build: "B", version: "2.5.0" } };
    const heard: string[] = [];
    const made = start();
    const undo = made.on("status", ({ standing }) => heard.push(standing));
    const first = await peer();
    await eventually(() => made.status.standing == "stale");
    expect(made.status.current).toEqual({ build: "B", version: "2.5.0" });
    undo();
    const before = heard.length;
    first.send({ type: "standing", standing: "unsupported", why: "minimum", current: { build: "B" } });
    await eventually(() => made.status.why == "minimum");
    expect(heard).toHaveLength(before);
  });

  test("current clears the guard's count by target", async () => {
    sessionStorage.setItem("freshwire:web:guard", '{"B":{"tries":3}}');
    server.welcome = { standing: "current", why: null, current: { build: "A" } };
    await open();
    await eventually(() => sessionStorage.getItem("freshwire:web:guard") == null);
  });

  test("a new current becomes the target of the notice in effect, and ends one that is reached", async () => {
    const first = await open();
    first.send(NOTICE);
    await eventually(() => fresh!.status.notice?.build == "B");
    first.send({ type: "standing", standing: "stale", why: null, current: { build: "C", version: "3.0.0" } });
    await eventually(() => fresh!.status.notice?.build == "C");
    expect(fresh!.status.notice).toMatchObject({ notice: 42, version: "3.0.0" });
    first.send({ type: "standing", standing: "current", why: null, current: { build: "A" } });
    await eventually(() => fresh!.status.notice == null);
  });
});

describe("a notice", () => {
  test("is acknowledged, replaced by a later one, and withdrawn by its number", async () => {
    const first = await open();
    first.send(NOTICE);
    first.send({ ...NOTICE, notice: 43 });
    await eventually(() => fresh!.status.notice?.notice == 43);
    await eventually(() => outcomes(first).filter((is) => is == "received").length == 2);
    first.send({ type: "withdraw", notice: 42 });
    first.send({ type: "withdraw", notice: 43 });
    await eventually(() => fresh!.status.notice == null);
  });

  test("goes on after the user reloaded, but not after a reload for its sake", async () => {
    const kept = JSON.stringify({ session: "s-0", notice: { ...NOTICE } });
    sessionStorage.setItem("freshwire:web:session", kept);
    const made = start();
    await eventually(() => made.status.notice?.notice == 42);
    made.close();
    sessionStorage.setItem("freshwire:web:session", kept);
    sessionStorage.setItem("freshwire:web:after", '{"notice":42,"from":"A","tries":1}');
    const again = start();
    await eventually(() => parts.started == 2);
    expect(again.status.notice).toBeNull();
  });

  test("says it in one plain line when the prompt can't be loaded", async () => {
    parts.prompt = false;
    const first = await open();
    first.send({ ...NOTICE, action: "prompt", text: { title: "Please reload" } });
    await eventually(() => document.querySelector("[role=status]")?.textContent == "Please reload");
    first.send({ type: "withdraw", notice: 42 });
    await eventually(() => !document.querySelector("[role=status]"));
  });
});

describe("the part", () => {
  test("that can't be loaded is reported, and has what came before once it can be", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    parts.fail = 1;
    const first = await open();
    await eventually(() => parts.asked.length == 1 && warned.mock.calls.length);
    parts.fail = 2;
    first.send(NOTICE);
    await eventually(() => outcomes(first).length);
    expect(first.frames).toContainEqual({
      type: "outcome",
      notice: 42,
      is: "failed",
      detail: "part_not_loaded",
    });
    expect(fresh!.status.notice).toBeNull();
    // An address that failed is another one the next time.
    first.send({ type: "push", push: 7, topic: "t", data: 1 });
    await eventually(() => fresh!.status.notice?.notice == 42);
    expect(parts.asked).toEqual([0, 1, 2]);
    await eventually(() => first.frames.some((frame) => "push" in frame));
    expect(first.frames).toContainEqual({ type: "outcome", notice: 42, is: "received" });
    expect(first.frames).toContainEqual({ type: "outcome", push: 7, is: "unhandled" });
    expect(warned).toHaveBeenCalledExactlyOnceWith("freshwire: no act.mjs: see script-src");
  });

  test("is there on idle, without any notice", async () => {
    await open();
    await eventually(() => parts.started == 1);
  });

  test("pushes data to the app's handlers, and says how they took it", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    const first = await open();
    const told = () =>
      first.frames.filter((frame) => "push" in frame).map((frame) => (frame as { is: string }).is);
    const push = (push: number) => first.send({ type: "push", push, topic: "flags", data: { dark: true } });
    push(1);
    await eventually(() => told().length == 1);
    const heard: unknown[] = [];
    const undo = fresh!.on("push", (push) => heard.push(push));
    push(2);
    await eventually(() => told().length == 2);
    undo();
    fresh!.on("push", () => {
      throw new Error("mine");
    });
    push(3);
    push(4);
    await eventually(() => told().length == 4);
    expect(told()).toEqual(["unhandled", "handled", "failed", "failed"]);
    expect(heard).toMatchObject([{ push: 2, topic: "flags", data: { dark: true } }]);
    expect(warned).toHaveBeenCalledOnce();
    expect(warned.mock.calls[0]![0]).toBe('freshwire: your "push" listener threw');
    first.close(1011);
    expect((await peer(1)).hello.pushed).toBe(4);
  });

  test("keeps the line by polling while no socket gets through, and gives it back", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    server.sockets = false;
    server.welcome = { standing: "stale", why: null, current: { build: "B" } };
    server.polled = { notice: { ...NOTICE, type: undefined }, pushes: [], frames: [], next_s: 0.02 };
    const made = start();
    await eventually(() => made.status.connection == "polling" && made.status.notice);
    expect(made.status).toMatchObject({ standing: "stale", notice: { notice: 42 } });
    await eventually(() => server.polls.some(({ frames }) => frames.length));
    expect(server.polls.flatMap(({ frames }) => frames)).toContainEqual({
      type: "outcome",
      notice: 42,
      is: "received",
    });
    expect(server.polls.at(-1)).toMatchObject({ type: "hello", session: "s-1", resume: "r-1", via: "n-1" });
    server.sockets = true;
    await eventually(() => made.status.connection == "open");
    expect((await peer()).hello.session).toBe("s-1");
  });
});

describe("the page", () => {
  test("tells of holds as they come and go, once each", async () => {
    const first = await open();
    const release = fresh!.hold("unsaved draft");
    release();
    release();
    await eventually(() => first.frames.length == 2);
    expect(first.frames).toEqual([
      { type: "page", visible: true, holds: ["unsaved draft"] },
      { type: "page", visible: true, holds: [] },
    ]);
  });

  test("survives frames that it doesn't understand", async () => {
    const first = await open();
    first.send("not json");
    first.send("null");
    first.send({ type: "from-the-future", notice: 7 });
    first.send({ ...NOTICE, mood: "sunny" });
    await eventually(() => fresh!.status.notice?.notice == 42);
  });

  test("retries at once when it comes online, but not sooner than the server said", async () => {
    const first = await open();
    vi.mocked(Math.random).mockReturnValue(0.999);
    first.close(1011);
    await eventually(() => fresh!.status.connection == "waiting");
    dispatchEvent(new Event("online"));
    const second = await peer(1);
    second.close(4003);
    await eventually(() => fresh!.status.connection == "waiting");
    dispatchEvent(new Event("online"));
    expect(fresh!.status.connection).toBe("waiting");
  });

  test("a socket that can't even be made is a connection that waits", async () => {
    vi.stubGlobal("WebSocket", function () {
      throw new DOMException("blocked", "SecurityError");
    });
    start();
    await eventually(() => fresh!.status.connection == "waiting");
  });
});

describe("connect", () => {
  test("gives one object per app", () => {
    const made = start();
    expect(connect({ url: server.url, app: "web", build: "other" })).toBe(made);
    expect(get("web")).toBe(made);
    const admin = connect({ url: server.url, app: "admin", build: "A" });
    expect(admin).not.toBe(made);
    admin.close();
  });

  test.each([
    [{ app: "" }, "app"],
    [{ build: "" }, "build"],
    [{ url: undefined }, "url"],
    [{ url: "http://[" }, "url"],
  ])("without what it needs (%j) warns once and stays harmless", async (lacking, what) => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    // As in a page of its own: what was warned of once isn't again.
    vi.resetModules();
    const { connect } = await import("../src/index.js");
    const made = (fresh = connect({ url: server.url, app: "web", build: "A", ...lacking }));
    connect({ url: server.url, app: "web", build: "A", ...lacking });
    made.hold("x")();
    made.refresh();
    made.snooze();
    expect(warned).toHaveBeenCalledExactlyOnceWith(`freshwire: not connected: set the ${what}`);
    expect(made.status.connection).toBe("closed");
  });

  test("a page that wishes for no server asks nobody, and nothing is said of it", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    vi.resetModules();
    const { connect, get } = await import("../src/index.js");
    for (const build of ["A", undefined]) {
      const made = (fresh = connect({ url: false, app: "web", build }));
      made.hold("x")();
      made.refresh();
      expect(get("web")).toBe(made);
      expect(made.status.connection).toBe("closed");
      made.close();
    }
    expect(warned).not.toHaveBeenCalled();
    expect([server.tried, parts.asked]).toEqual([0, []]);
  });
});
