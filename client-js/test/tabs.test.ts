// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { tabs, type Message, type Tabs } from "../src/act/tabs.js";
import type { Options } from "../src/core/options.js";
import type { Host } from "../src/core/part.js";
import { eventually } from "./eventually.js";
import { memoryStorage } from "./memory-storage.js";

interface Request {
  callback: () => unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The Web Locks of one browser, for one name: first come, first served, unless stolen. */
class Locks {
  held: Request | undefined;
  readonly waiting: Request[] = [];
  /** How often it was asked. */
  asked = 0;

  request(_: string, { steal }: { steal?: boolean }, callback: () => unknown): Promise<unknown> {
    this.asked++;
    return new Promise((resolve, reject) => {
      const request = { callback, resolve, reject };
      if (steal) {
        this.held?.reject(new DOMException("stolen", "AbortError"));
        this.grant(request);
      } else this.waiting.push(request);
      this.next();
    });
  }

  private next() {
    if (!this.held && this.waiting.length) this.grant(this.waiting.shift()!);
  }

  private grant(request: Request) {
    this.held = request;
    const release = (end: () => void) => {
      end();
      if (this.held != request) return;
      this.held = undefined;
      this.next();
    };
    void Promise.resolve()
      .then(() => request.callback())
      .then(
        (value) => release(() => request.resolve(value)),
        (error) => release(() => request.reject(error)),
      );
  }
}

/** One tab of several in this document: only its own events reach it. */
interface Tab extends Tabs {
  name: string;
  heard: Message[];
  changed: number;
  /** Whether it has something to show. */
  wants: boolean;
  look(): boolean;
  fire(event: string): void;
}

let hidden: boolean;
let locks: Locks | undefined;
let open: Tab[];

function tab(name: string, options: Partial<Options> = {}): Tab {
  const listeners: Record<string, () => void> = {};
  const host: Partial<Host> = {
    options: { app: "web", ...options },
    on: (_, event, listener) => void (listeners[event] = listener as () => void),
  };
  const made: Tab = Object.assign(
    tabs(
      host as Host,
      () => {
        made.changed++;
        made.look();
      },
      (message) => made.heard.push(message),
      async () => {},
      () => false,
    ),
    {
      name,
      heard: [],
      changed: 0,
      wants: true,
      look: () => made.leads(made.wants),
      fire: (event: string) => listeners[event]!(),
    },
  );
  open.push(made);
  return made;
}

beforeEach(() => {
  [hidden, locks, open] = [false, new Locks(), []];
  vi.stubGlobal("localStorage", memoryStorage());
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  Object.defineProperty(navigator, "locks", { configurable: true, get: () => locks });
});

afterEach(() => {
  for (const tab of open) tab.fire("pagehide");
  Reflect.deleteProperty(navigator, "locks");
  vi.unstubAllGlobals();
});

const leaders = () => open.filter((tab) => tab.look()).map(({ name }) => name);
const leader = (name: string) => eventually(() => leaders().join() == name);
/** All that is under way is done, in every tab. */
const settled = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((done) => setTimeout(done));
};

describe("of several tabs", () => {
  test("one leads, and the next one when it has nothing to show any more", async () => {
    const first = tab("first");
    tab("second");
    await leader("first");
    await settled();
    expect(leaders()).toEqual(["first"]);
    first.wants = false;
    await leader("second");
    first.wants = true;
    await settled();
    expect(leaders()).toEqual(["second"]);
  });

  test("the one that leads lets go when it is hidden or left", async () => {
    const first = tab("first");
    await leader("first");
    hidden = true;
    expect(first.look()).toBe(false);
    hidden = false;
    tab("second");
    first.wants = false;
    await leader("second");
    open[1]!.fire("pagehide");
    open[1]!.wants = false;
    first.wants = true;
    await leader("first");
  });

  test("one that was hidden and shown again at once asks again", async () => {
    const first = tab("first");
    await leader("first");
    hidden = true;
    first.look();
    hidden = false;
    first.look();
    await leader("first");
  });

  test("the one that the user turns to takes the lead, and keeps it", async () => {
    tab("first");
    await leader("first");
    const second = tab("second");
    expect(leaders()).toEqual(["first"]);
    second.fire("focus");
    await leader("second");
    await settled();
    expect(leaders()).toEqual(["second"]);
    open[0]!.fire("focus");
    await leader("first");
    second.fire("focus");
    await leader("second");
    second.wants = false;
    await leader("first");
  });

  test("one that was robbed just as it let go asks again like any other", async () => {
    const first = tab("first");
    const second = tab("second");
    await leader("first");
    first.wants = false;
    first.look();
    second.fire("focus");
    first.wants = true;
    await leader("second");
    await settled();
    expect(leaders()).toEqual(["second"]);
  });

  test("one that the user turns to while it asks doesn't rob itself for good", async () => {
    const first = tab("first");
    first.look();
    first.fire("focus");
    await settled();
    expect(leaders()).toEqual(["first"]);
    first.wants = false;
    first.look();
    tab("second");
    await leader("second");
  });

  test("one that leads already steals from nobody", async () => {
    const first = tab("first");
    await leader("first");
    const { asked } = locks!;
    first.fire("focus");
    expect(locks!.asked).toBe(asked);
  });

  test("one out of sight never leads", async () => {
    hidden = true;
    const first = tab("first");
    first.look();
    first.fire("focus");
    await settled();
    expect(first.look()).toBe(false);
    expect(locks!.asked).toBe(0);
  });

  test("each leads where there are no locks", () => {
    locks = undefined;
    tab("first");
    tab("second");
    expect(leaders()).toEqual(["first", "second"]);
  });

  test("each leads where locks are forbidden, and isn't kept busy by asking", async () => {
    const request = vi.spyOn(locks!, "request").mockImplementation(() => {
      // A loop of asking would never let this test go on.
      if (request.mock.calls.length > 100) throw new Error("asked without end");
      return Promise.reject(new DOMException("denied", "SecurityError"));
    });
    tab("first");
    await eventually(() => leaders().length);
    expect(request.mock.calls.length).toBeLessThan(3);
  });
});

describe("what the user says", () => {
  const until = Date.now() + 60_000;
  const snooze = { action: 2, severity: 1, until };

  test("is heard in the other tabs that have something to show, and not in its own", async () => {
    const [first, second] = [tab("first"), tab("second")];
    leaders();
    first.say({ refresh: "B" });
    await eventually(() => second.heard.length);
    expect(second.heard).toEqual([{ refresh: "B" }]);
    expect(first.heard).toEqual([]);
  });

  test("is known to a tab that opens later", () => {
    tab("first").say({ snooze });
    expect(tab("second").snoozed()).toEqual(snooze);
    expect(JSON.parse(localStorage.getItem("freshwire:web:snooze")!)).toEqual(snooze);
  });

  test("is told by word of mouth alone when nothing may be stored", async () => {
    const [first, second] = [tab("first", { storage: "none" }), tab("second")];
    leaders();
    first.say({ snooze });
    expect(first.snoozed()).toEqual(snooze);
    expect(localStorage).toHaveLength(0);
    await eventually(() => second.snoozed());
    expect(second.snoozed()).toEqual(snooze);
  });

  test("is known here even when storage is blocked", () => {
    vi.stubGlobal("localStorage", undefined);
    const first = tab("first");
    expect(first.snoozed()).toBeUndefined();
    first.say({ snooze });
    expect(first.snoozed()).toEqual(snooze);
  });

  test("is one app's own", async () => {
    const [first, second] = [tab("first"), tab("second", { app: "admin" })];
    leaders();
    first.say({ snooze });
    const third = tab("third");
    third.look();
    first.say({ refresh: "B" });
    await eventually(() => third.heard.length);
    expect(second.heard).toEqual([]);
    expect(second.snoozed()).toBeUndefined();
  });
});
