// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { updateWorker } from "../src/go/worker.js";

type State = "installing" | "installed" | "activating" | "activated" | "redundant";

/** One worker, which does what its kind does when it is told something. */
class Worker extends EventTarget {
  readonly told: Record<string, unknown>[] = [];
  hears: (message: Record<string, unknown>) => void = () => {};

  constructor(
    public state: State,
    readonly scriptURL = "https://app.test/sw.js",
  ) {
    super();
  }

  become(state: State) {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }

  postMessage(message: Record<string, unknown>) {
    this.told.push(message);
    this.hears(message);
  }
}

class Registration {
  installing: Worker | null = null;
  waiting: Worker | null = null;
  updates = 0;
  update: () => Promise<unknown> = async () => this.updates++;
}

let container: EventTarget & {
  controller: Worker | null;
  getRegistration(): Promise<Registration | undefined>;
};
let registration: Registration | undefined;
let done: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  registration = new Registration();
  done = false;
  container = Object.assign(new EventTarget(), {
    controller: null,
    getRegistration: async () => registration,
  });
  Object.defineProperty(navigator, "serviceWorker", { configurable: true, value: container });
});

afterEach(() => {
  Reflect.deleteProperty(navigator, "serviceWorker");
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const update = () => {
  void updateWorker().then(() => (done = true));
  return pass(0);
};
const SKIP = { type: "SKIP_WAITING" };

test("a page without a worker has nothing to wait for", async () => {
  registration = undefined;
  await update();
  expect(done).toBe(true);
});

test("a worker that is up to date is only asked", async () => {
  await update();
  expect([done, registration!.updates]).toEqual([true, 1]);
});

test("a new one that waits is told to take over, and has done so before the page goes on", async () => {
  const next = (registration!.waiting = new Worker("installed"));
  await update();
  expect(next.told).toEqual([SKIP]);
  expect(done).toBe(false);
  next.become("activating");
  await pass(0);
  expect(done).toBe(false);
  next.become("activated");
  await pass(0);
  expect(done).toBe(true);
});

test("one that is being installed is told once it is", async () => {
  const next = new Worker("installing");
  registration!.update = async () => void (registration!.installing = next);
  await update();
  expect(next.told).toEqual([]);
  next.become("installed");
  await pass(0);
  expect(next.told).toEqual([SKIP]);
  next.become("activated");
  await pass(0);
  expect(done).toBe(true);
});

test("one that can't be installed keeps nobody", async () => {
  const next = (registration!.installing = new Worker("installing"));
  await update();
  next.become("redundant");
  await pass(0);
  expect(done).toBe(true);
});

test("one that doesn't heed the message is waited for three seconds", async () => {
  registration!.waiting = new Worker("installed");
  await update();
  await pass(2_999);
  expect(done).toBe(false);
  await pass(1);
  expect(done).toBe(true);
});

test("an update that never ends is waited for three seconds", async () => {
  registration!.update = () => new Promise(() => {});
  await update();
  await pass(3_000);
  expect(done).toBe(true);
});

test.each([
  ["update", () => (registration!.update = () => Promise.reject(new TypeError("404")))],
  ["getRegistration", () => (container.getRegistration = () => Promise.reject(new DOMException("insecure")))],
])("a failing %s doesn't stand in the way", async (_, fail) => {
  fail();
  await update();
  expect(done).toBe(true);
});

test("Angular's worker is asked to check and then to activate, each by a number of its own", async () => {
  const angular = (container.controller = new Worker("activated", "https://app.test/ngsw-worker.js?x"));
  const answer = (nonce: unknown) =>
    container.dispatchEvent(
      new MessageEvent("message", { data: { type: "OPERATION_COMPLETED", nonce, result: true } }),
    );
  await update();
  expect(angular.told).toMatchObject([{ action: "CHECK_FOR_UPDATES", nonce: expect.any(Number) }]);
  container.dispatchEvent(new MessageEvent("message", { data: null }));
  answer(-1);
  await pass(0);
  expect(angular.told).toHaveLength(1);
  answer(angular.told[0]!.nonce);
  await pass(0);
  expect(angular.told[1]).toMatchObject({ action: "ACTIVATE_UPDATE", nonce: expect.any(Number) });
  expect(angular.told[1]!.nonce).not.toBe(angular.told[0]!.nonce);
  expect(done).toBe(false);
  answer(angular.told[1]!.nonce);
  await pass(0);
  expect(done).toBe(true);
});

test("another worker isn't asked what only Angular's knows", async () => {
  const mine = (container.controller = new Worker("activated"));
  await update();
  expect([done, mine.told]).toEqual([true, []]);
});
