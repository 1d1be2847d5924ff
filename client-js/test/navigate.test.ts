// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Ladder } from "../src/act/seam.js";
import type { Target } from "../src/core/options.js";
import type { Host } from "../src/core/part.js";
import { store } from "../src/core/storage.js";
import { start } from "../src/go/index.js";
import { navigation, type Navigation } from "../src/go/navigate.js";
import { memoryStorage } from "./memory-storage.js";

const SECOND = 1_000;
const MINUTE = 60_000;

let end: AbortController;

/** What `pushState` of a browser that has a Navigation API tells it. */
class NavigationApi extends EventTarget {
  state: unknown;
  currentEntry = { getState: () => this.state };

  enter(navigationType: string, go: () => void) {
    const from = { url: location.href };
    go();
    this.dispatchEvent(Object.assign(new Event("currententrychange"), { navigationType, from }));
  }
}

let api: NavigationApi | undefined;

const on: Host["on"] = (target, event, listener) =>
  target.addEventListener(event, listener, { capture: true, signal: end.signal });
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** As if the user did it: a page can't make such an event. */
function act(target: Element = document.body, type = "pointerdown", isTrusted = true) {
  const event = new Event(type, { bubbles: true, composed: true });
  const impl = Object.getOwnPropertySymbols(event).find(({ description }) => description == "impl")!;
  Object.defineProperty((event as never)[impl], "isTrusted", { get: () => isTrusted, set() {} });
  target.dispatchEvent(event);
}

const enter = (kind: "push" | "replace", path: string, state: unknown = null) => {
  const go = () => history[`${kind}State`](state, "", path);
  if (api) api.enter(kind, go);
  else go();
};

beforeEach(() => {
  vi.useFakeTimers();
  end = new AbortController();
  history.replaceState(null, "", "/cart?item=1");
});

afterEach(() => {
  end.abort();
  Reflect.deleteProperty(history, "pushState");
  Reflect.deleteProperty(window, "navigation");
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe.each(["history", "Navigation API"])("by the %s", (way) => {
  let acts: number;
  let moves: string[];
  let user: Navigation;

  beforeEach(() => {
    api = way == "history" ? undefined : new NavigationApi();
    if (api) Object.assign(window, { navigation: api });
    [acts, moves] = [0, []];
    user = navigation({ on } as Partial<Host> as Host, {
      toward: () => void acts++,
      pushed: () => void moves.push(location.pathname),
    });
  });

  test.each(["pointerdown", "keydown"])("a push to another path, by the user's %s, is one", (type) => {
    act(document.body, type);
    enter("push", "/orders");
    expect([acts, moves]).toEqual([1, ["/orders"]]);
  });

  test("a push five seconds after the user did anything isn't the user's", async () => {
    act();
    await pass(5 * SECOND);
    enter("push", "/orders");
    expect(moves).toEqual([]);
  });

  test("nor is one that a script has clicked for", () => {
    act(document.body, "pointerdown", false);
    enter("push", "/orders");
    expect([acts, moves]).toEqual([0, []]);
  });

  test.each(["/cart?item=2", "/cart?item=1#top", "/cart"])("the same path (%s) is none", (path) => {
    act();
    enter("push", path);
    expect(moves).toEqual([]);
  });

  test("a replaced entry is none", () => {
    act();
    enter("replace", "/orders");
    expect(moves).toEqual([]);
  });

  test("an entry that the app marks is none", () => {
    act();
    enter("push", "/orders", { freshwire: "stay", id: 7 });
    expect(moves).toEqual([]);
    enter("push", "/orders/7", { freshwire: "go" });
    expect(moves).toEqual(["/orders/7"]);
  });

  test("what comes right after a submit is none: it may still be on its way", async () => {
    act();
    document.body.dispatchEvent(new Event("submit", { bubbles: true }));
    enter("push", "/thanks");
    expect(moves).toEqual([]);
    await pass(5 * SECOND);
    act();
    enter("push", "/orders");
    expect(moves).toEqual(["/orders"]);
  });

  test("the link that the user has followed is where they are going", async () => {
    document.body.innerHTML =
      '<a href="/orders?page=2#latest"><b>orders</b></a><a href="https://else.test/">x</a>';
    expect(user.destination()).toBeUndefined();
    act(document.querySelector("b")!);
    expect(user.destination()).toBe(`${location.origin}/orders?page=2#latest`);
    await pass(5 * SECOND);
    expect(user.destination()).toBeUndefined();
    act(document.querySelectorAll("a")[1]);
    expect(user.destination()).toBeUndefined();
    act(document.querySelector("b")!);
    act(document.body);
    expect(user.destination()).toBeUndefined();
  });

  if (way == "Navigation API") {
    test("an entry marked there is none", () => {
      act();
      api!.state = { freshwire: "stay" };
      enter("push", "/orders");
      expect(moves).toEqual([]);
    });

    test("a traversal is none", () => {
      act();
      api!.enter("traverse", () => history.replaceState(null, "", "/orders"));
      expect(moves).toEqual([]);
    });

    test("the app's pushState is left alone", () => {
      expect(Object.hasOwn(history, "pushState")).toBe(false);
    });
  } else {
    test("pushState still does what it does", () => {
      history.pushState({ id: 7 }, "", "/orders/7");
      expect([location.pathname, history.state]).toEqual(["/orders/7", { id: 7 }]);
      expect(() => history.pushState(null, "", "https://else.test/")).toThrow();
    });
  }
});

describe("a navigation by the user", () => {
  let looked: number;
  let documentBuild: string;
  let target: Target | undefined;
  let free: boolean;
  let refreshed: string[];
  let ladder: Ladder;

  beforeEach(async () => {
    api = undefined;
    vi.stubGlobal("sessionStorage", memoryStorage());
    vi.stubGlobal("fetch", async () => {
      looked++;
      return new Response(`<meta name="freshwire-build" content="${documentBuild}">`);
    });
    [looked, documentBuild, free, refreshed] = [0, "B", true, []];
    target = { notice: 42, build: "B" };
    ladder = {
      target: () => target,
      free: () => free,
      report: vi.fn(),
      changed() {},
      old: () => true,
      othersHold: async () => false,
    };
    const host: Partial<Host> = {
      options: { app: "web", refresh: () => void refreshed.push(location.href.replace(location.origin, "")) },
      me: { build: "A", version: undefined, after: undefined },
      store: store("web", false),
      keeps: new Map(),
      emit: () => undefined,
      refreshing() {},
      on,
    };
    const mover = start(host as Host, ladder);
    mover.prepare({ notice: 42, run: 42, step: 0, action: "navigate", build: "B" });
    await pass(0);
  });

  const go = async () => {
    act();
    await pass(0);
    enter("push", "/orders?page=2#latest");
    await pass(SECOND);
  };

  /** A link that the user is about to follow. */
  const point = async (href: string) => {
    const link = document.body.appendChild(document.createElement("a"));
    link.href = href;
    act(link);
    await pass(0);
  };

  test("is a load of where it leads, with a look at that in hand, and without another", async () => {
    await point("/orders?page=2#latest");
    expect(looked).toBe(2);
    enter("push", "/orders?page=2#latest");
    await pass(SECOND);
    expect(refreshed).toEqual(["/orders?page=2#latest"]);
    expect(looked).toBe(2);
    expect(ladder.report).toHaveBeenCalledWith("refreshing");
  });

  test("is one all the same where a look is quick enough, and the user has not gone on", async () => {
    await go();
    expect(refreshed).toEqual(["/orders?page=2#latest"]);
  });

  test("stays one where the look takes longer, or the user has gone on", async () => {
    let answer = () => {};
    vi.stubGlobal("fetch", async () => {
      await new Promise<void>((done) => (answer = done));
      return new Response('<meta name="freshwire-build" content="B">');
    });
    act();
    enter("push", "/slow");
    await pass(1_100);
    answer();
    await pass(SECOND);
    enter("push", "/gone-on");
    act();
    answer();
    await pass(SECOND);
    expect(refreshed).toEqual([]);
  });

  test("stays one where the document at the other address is another's, or none", async () => {
    vi.stubGlobal("fetch", async (address: string) =>
      address.endsWith("/orders")
        ? new Response("not found", { status: 404 })
        : new Response('<meta name="freshwire-build" content="B">'),
    );
    await point("/orders");
    enter("push", "/orders");
    await pass(SECOND);
    expect(refreshed).toEqual([]);
    await point("/account");
    enter("push", "/account");
    await pass(SECOND);
    expect(refreshed).toEqual(["/account"]);
  });

  test("begins at its top, not where the view before was left", async () => {
    Object.assign(window, { scrollY: 900 });
    await go();
    expect(store("web", false).get("place")).toBeUndefined();
  });

  test("stays one within the app while the origin doesn't have the build", async () => {
    target = { notice: 42, build: "C" };
    await go();
    expect(refreshed).toEqual([]);
  });

  test("stays one when nothing is to be done, or something would be lost", async () => {
    target = undefined;
    await go();
    target = { notice: 42, build: "B" };
    free = false;
    enter("push", "/account");
    await pass(SECOND);
    expect(refreshed).toEqual([]);
    free = true;
    act();
    enter("push", "/orders");
    await pass(SECOND);
    expect(refreshed).toEqual(["/orders"]);
  });

  test("a look is in hand for five minutes, and is taken anew while the user is about", async () => {
    await pass(3 * MINUTE);
    act();
    await pass(0);
    expect(looked).toBe(1);
    await pass(MINUTE);
    act();
    await pass(0);
    expect(looked).toBe(2);
    await pass(6 * MINUTE);
    documentBuild = "A";
    await go();
    expect(refreshed).toEqual([]);
  });
});
