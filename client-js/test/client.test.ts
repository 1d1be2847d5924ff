// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connect, get, type Freshwire, type Options } from "../src/index.js";
import type { Outcome } from "../src/core/wire.js";
import { memoryStorage } from "./memory-storage.js";
import { listen, type Peer, type Server } from "./server.js";
import { eventually } from "./eventually.js";

let server: Server;
let fresh: Freshwire | undefined;

beforeEach(async () => {
  vi.stubGlobal("sessionStorage", memoryStorage());
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
      page: { visible: true, frozen: false, holds: [] },
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
    first.send(NOTICE);
    await eventually(() => outcomes(first).length);
    first.close(1011);
    const { hello } = await peer(1);
    expect(hello).toMatchObject({ session: "s-1", resume: "r-1", via: "n-1" });
    expect(hello.seen).toMatchObject([{ notice: 42, run: 42, step: 0 }]);
    expect(hello.seen![0]!.ago_ms).toBeLessThan(5_000);
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
    expect(sessionStorage.getItem("freshwire:web:guard")).toBeNull();
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
    expect(outcomes(first).filter((is) => is == "received")).toHaveLength(2);
    first.send({ type: "withdraw", notice: 42 });
    first.send({ type: "withdraw", notice: 43 });
    await eventually(() => fresh!.status.notice == null);
  });

  test("goes on after the user reloaded, but not after a reload for its sake", async () => {
    const kept = JSON.stringify({ session: "s-0", notice: { ...NOTICE } });
    sessionStorage.setItem("freshwire:web:session", kept);
    expect(start().status.notice?.notice).toBe(42);
    fresh!.close();
    sessionStorage.setItem("freshwire:web:session", kept);
    sessionStorage.setItem("freshwire:web:after", '{"notice":42,"from":"A","tries":1}');
    expect(start().status.notice).toBeNull();
  });

  test("says it in one plain line, and reports so, when the prompt can't be loaded", async () => {
    const first = await open();
    first.send({ ...NOTICE, action: "prompt", text: { title: "Please reload" } });
    await eventually(() => document.querySelector("[role=status]")?.textContent == "Please reload");
    expect(first.frames).toContainEqual({
      type: "outcome",
      notice: 42,
      is: "failed",
      detail: "part_not_loaded",
    });
    first.send({ type: "withdraw", notice: 42 });
    await eventually(() => !document.querySelector("[role=status]"));
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
      { type: "page", visible: true, frozen: false, holds: ["unsaved draft"] },
      { type: "page", visible: true, frozen: false, holds: [] },
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
  ])("without what it needs (%j) warns once and stays harmless", (lacking, what) => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    const made = start(lacking);
    made.hold("x")();
    made.refresh();
    made.snooze();
    expect(warned).toHaveBeenCalledExactlyOnceWith(`freshwire: not connected, no ${what}`);
    expect(made.status.connection).toBe("closed");
  });
});
