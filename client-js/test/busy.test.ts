// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { wrap } from "../src/act/busy.js";

let works: () => boolean;
let answer: (response: unknown) => void;
let refuse: (error: Error) => void;
let fetched: unknown[];

class Peer {
  connectionState = "new";
}
class Recorder {
  state = "inactive";
  constructor(readonly stream: string) {}
}
class Sound {
  state = "suspended";
}
class Xhr extends EventTarget {
  opened: unknown[] = [];
  open(...args: unknown[]) {
    this.opened = args;
  }
  send() {}
}
const track = { readyState: "live" };

beforeEach(() => {
  vi.useFakeTimers();
  fetched = [];
  vi.stubGlobal("fetch", (...args: unknown[]) => {
    fetched = args;
    return new Promise((done, failed) => ([answer, refuse] = [done, failed]));
  });
  vi.stubGlobal("XMLHttpRequest", Xhr);
  vi.stubGlobal("RTCPeerConnection", Peer);
  vi.stubGlobal("MediaRecorder", Recorder);
  vi.stubGlobal("AudioContext", Sound);
  Object.defineProperty(navigator, "mediaDevices", {
    configurable: true,
    value: { getUserMedia: async () => ({ getTracks: () => [track] }) },
  });
  vi.spyOn(HTMLMediaElement.prototype, "play").mockImplementation(async () => {});
  works = wrap();
});

afterEach(() => {
  Reflect.deleteProperty(navigator, "mediaDevices");
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test.each(["POST", "put", "PATCH", "DELETE"])(
  "a request by %s is waited for until it is answered",
  async (method) => {
    const asked = fetch("/orders", { method });
    expect(fetched).toEqual(["/orders", { method }]);
    expect(works()).toBe(true);
    answer("thanks");
    expect(await asked).toBe("thanks");
    expect(works()).toBe(false);
  },
);

test("one that fails is over, and its error is the app's", async () => {
  const asked = fetch(new Request("http://app.test/", { method: "POST" }));
  expect(works()).toBe(true);
  refuse(new TypeError("Failed to fetch"));
  await expect(asked).rejects.toThrow("Failed to fetch");
  expect(works()).toBe(false);
});

test.each([[undefined], [{ method: "GET" }], [{ method: "head" }], [{ method: "POST", keepalive: true }]])(
  "one that changes nothing, or outlives the page, isn't (%j)",
  (init) => {
    void fetch("/orders", init);
    expect(works()).toBe(false);
  },
);

test("one that takes for ever is a stream", () => {
  void fetch("/stream", { method: "POST" });
  vi.setSystemTime(Date.now() + 300_001);
  expect(works()).toBe(false);
});

test("an XMLHttpRequest is waited for as well", () => {
  for (const [method, waits] of [
    ["POST", true],
    ["GET", false],
  ] as const) {
    const request = new XMLHttpRequest();
    request.open(method, "/orders");
    request.send();
    expect((request as never as Xhr).opened).toEqual([method, "/orders"]);
    expect(works()).toBe(waits);
    request.dispatchEvent(new Event("loadend"));
    expect(works()).toBe(false);
  }
});

test("sound from nowhere in the document is heard of", () => {
  const sound = new Audio();
  void sound.play();
  Object.defineProperty(sound, "paused", { value: false, configurable: true });
  expect(works()).toBe(true);
  sound.muted = true;
  expect(works()).toBe(false);
  sound.muted = false;
  Object.defineProperty(sound, "paused", { value: true });
  expect(works()).toBe(false);
});

test("calls, recordings and sound that is made are known while they go on", async () => {
  const peer = new RTCPeerConnection() as never as Peer;
  expect(peer).toBeInstanceOf(Peer);
  const recorder = new MediaRecorder("stream" as never) as never as Recorder;
  expect(recorder.stream).toBe("stream");
  const context = new AudioContext() as never as Sound;
  expect(works()).toBe(false);
  for (const [thing, key, on, off] of [
    [peer, "connectionState", "connected", "closed"],
    [recorder, "state", "recording", "inactive"],
    [context, "state", "running", "closed"],
  ] as const) {
    Object.assign(thing, { [key]: on });
    expect(works()).toBe(true);
    Object.assign(thing, { [key]: off });
    expect(works()).toBe(false);
  }
  await navigator.mediaDevices.getUserMedia({});
  expect(works()).toBe(true);
  track.readyState = "ended";
  expect(works()).toBe(false);
});

test("what isn't there is left alone", () => {
  for (const name of ["fetch", "XMLHttpRequest", "RTCPeerConnection", "MediaRecorder", "AudioContext"])
    vi.stubGlobal(name, undefined);
  Reflect.deleteProperty(navigator, "mediaDevices");
  expect(wrap()()).toBe(false);
  expect(globalThis.fetch).toBeUndefined();
});
