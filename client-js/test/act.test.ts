// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { start } from "../src/act/act.js";
import type { Options, Status, Target } from "../src/core/options.js";
import type { Host, Part } from "../src/core/part.js";
import { store } from "../src/core/storage.js";
import type { Notice, PageFrame } from "../src/core/wire.js";
import * as go from "../src/go/index.js";
import * as prompt from "../src/prompt/index.js";
import { eventually } from "./eventually.js";
import { memoryStorage } from "./memory-storage.js";

const SECOND = 1_000;
const MINUTE = 60_000;

let status: Status;
let holds: string[];
let hidden: boolean;
let sent: PageFrame[];
let refreshed: Target[];
let documentBuild: string;
let looked: string[];
let line: string[];
let host: Host;
let part: Part | undefined;
let end: AbortController;

const notice = (rest: Partial<Notice> = {}): Notice => ({
  notice: 42,
  run: 42,
  step: 0,
  action: "prompt",
  build: "B",
  ...rest,
});

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(new Date("2026-01-01T00:00:00Z"));
  vi.stubGlobal("sessionStorage", memoryStorage());
  vi.stubGlobal("localStorage", memoryStorage());
  vi.spyOn(Math, "random").mockReturnValue(0);
  knowBeforeUnload();
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  vi.stubGlobal("fetch", async (address: string) => {
    looked.push(address);
    return new Response(`<meta name="freshwire-build" content="${documentBuild}">`);
  });
  status = {
    standing: "stale",
    why: null,
    current: { build: "B" },
    connection: "open",
    notice: null,
  };
  [holds, hidden, sent, refreshed, documentBuild, looked, line] = [[], false, [], [], "B", [], []];
});

/** jsdom knows no such event. */
function knowBeforeUnload() {
  const create = document.createEvent.bind(document);
  vi.spyOn(document, "createEvent").mockImplementation(((type: string) => {
    if (type != "BeforeUnloadEvent") return create(type);
    return Object.defineProperty(create("Event"), "returnValue", { value: "", writable: true });
  }) as never);
}

/** As if the user did it: a page can't make such an event. */
function trusted<E extends Event>(event: E): E {
  const impl = Object.getOwnPropertySymbols(event).find(({ description }) => description == "impl")!;
  Object.defineProperty((event as never)[impl], "isTrusted", { get: () => true, set() {} });
  return event;
}

/** The page before this one goes, if there was one. */
function leave() {
  status = { ...status, notice: null };
  part?.update();
  dispatchEvent(new Event("pagehide"));
  end?.abort();
  part = undefined;
}

afterEach(() => {
  leave();
  // What `navigation` has put in its place.
  Reflect.deleteProperty(history, "pushState");
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function begin(
  options: Partial<Options> = {},
  rest: Partial<Host> = {},
  parts: Partial<Parameters<typeof start>[1]> = {},
) {
  leave();
  const { signal } = (end = new AbortController());
  host = {
    options: { app: "web", refresh: (target) => void refreshed.push(target), ...options },
    base: "http://freshwire.test",
    me: { build: "A", version: undefined, after: undefined },
    memory: { seen: [] },
    embedded: false,
    around: undefined,
    store: store("web", false),
    keeps: new Map(),
    signs: [],
    sign(kind, detail) {
      host.signs.push({ kind, detail });
      part?.update();
    },
    line: {
      send: () => true,
      kick: () => void line.push("kick"),
      close: (code) => void line.push(`close ${code}`),
      failures: () => 0,
    },
    status: () => status,
    set(change) {
      status = { ...status, ...change };
      part?.update();
    },
    holds: () => holds,
    hold: (reason) => {
      holds = [...holds, reason];
      part?.update();
      return () => {
        holds = holds.filter((held) => held != reason);
        part?.update();
      };
    },
    send: (frame) => void sent.push(frame),
    hello: () => ({ type: "hello", app: "web", build: "A" }),
    token: () => undefined,
    hear: (frame) => part?.frame(frame),
    emit: () => undefined,
    refreshing: () => {},
    polling: () => {},
    on: (target, event, listener) => target.addEventListener(event, listener, { capture: true, signal }),
    ...rest,
  };
  part = start(host, {
    go: async () => go,
    prompt: async () => prompt,
    preview: async () => {},
    busy: async () => ({ wrap: () => () => false }),
    poll: () => import("../src/act/poll.js"),
    ...parts,
  });
}

/** The server's word: what is told is always of the current build. */
function tell(next: Notice | null) {
  status = {
    ...status,
    notice: next,
    current: next ? { build: next.build, version: next.version } : status.current,
  };
  part?.update();
  return pass(0);
}
function hold(...reasons: string[]) {
  holds = reasons;
  part!.update();
}
function hide(yes: boolean) {
  hidden = yes;
  document.dispatchEvent(new Event("visibilitychange"));
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const root = () => document.querySelector("[data-freshwire]")?.shadowRoot ?? null;
const says = (part: string) => root()?.querySelector(part)?.textContent;
const press = (button: "primary" | "secondary") => root()!.querySelector<HTMLElement>(`.${button}`)!.click();
const reports = () =>
  sent.flatMap((frame) =>
    frame.type == "outcome" && "notice" in frame
      ? [frame.is + (frame.detail ? `: ${frame.detail}` : "")]
      : [],
  );

describe("prompt", () => {
  test("takes no focus and is announced after its live region is there", async () => {
    begin();
    await tell(notice({ text: { title: "Neu", body: "Bitte neu laden", action: "Laden" } }));
    expect(says("[role=status]")).toBe("");
    await pass(SECOND);
    expect(says("[role=status]")).toBe("Neu. Bitte neu laden");
    expect(says(".primary")).toBe("Laden");
    expect(document.activeElement).toBe(document.body);
    expect(reports()).toEqual(["shown"]);
  });

  test("never refreshes by itself while it is looked at", async () => {
    begin();
    await tell(notice());
    await pass(20 * MINUTE);
    expect(refreshed).toEqual([]);
  });

  test("pressed, looks at the document and refreshes", async () => {
    begin();
    await tell(notice());
    press("primary");
    await pass(SECOND);
    expect(refreshed).toEqual([{ notice: 42, build: "B", version: undefined }]);
    expect(reports()).toEqual(["shown", "refreshing"]);
  });

  test("put off, comes back after its time", async () => {
    begin();
    await tell(notice({ snooze_ms: 30 * MINUTE }));
    press("secondary");
    expect(root()).toBeNull();
    await pass(29 * MINUTE);
    expect(root()).toBeNull();
    await pass(MINUTE + 15 * SECOND);
    expect(root()).not.toBeNull();
    expect(reports()).toEqual(["shown", "snoozed", "shown"]);
  });

  test("put off, stays away for its like, and comes back for something graver", async () => {
    begin();
    await tell(notice());
    press("secondary");
    await tell(notice({ notice: 43 }));
    expect(root()).toBeNull();
    await tell(notice({ notice: 44, severity: "security" }));
    expect(root()).not.toBeNull();
  });

  test("Escape puts it off while focus is within", async () => {
    begin();
    await tell(notice());
    const button = root()!.querySelector<HTMLElement>(".primary")!;
    button.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, composed: true }));
    expect(reports()).toEqual(["shown", "snoozed"]);
  });

  test("goes when the notice is withdrawn, and isn't there when the app shows its own", async () => {
    begin();
    await tell(notice());
    await tell(null);
    expect(root()).toBeNull();
    begin({ prompt: false });
    await tell(notice());
    expect(root()).toBeNull();
  });

  test("is shown only once somebody can see it", async () => {
    begin();
    hide(true);
    await tell(notice());
    expect(reports()).toEqual([]);
    hide(false);
    await pass(0);
    expect(reports()).toEqual(["shown"]);
  });
});

describe("hidden", () => {
  test("for ten minutes without a hold, a tab refreshes itself", async () => {
    begin();
    await tell(notice({ action: "navigate" }));
    await pass(30 * MINUTE);
    hide(true);
    await pass(9 * MINUTE);
    expect(refreshed).toEqual([]);
    await pass(MINUTE + 15 * SECOND);
    expect(refreshed).toHaveLength(1);
    expect(root()).toBeNull();
  });

  test("with a hold, it waits for it", async () => {
    begin();
    hold("draft");
    await tell(notice({ action: "navigate" }));
    hide(true);
    await pass(60 * MINUTE);
    expect(refreshed).toEqual([]);
    hold();
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });
});

describe("nobody is interrupted", () => {
  const away = async (options: Partial<Options> = {}) => {
    begin(options);
    await tell(notice({ action: "navigate" }));
    hide(true);
    await pass(11 * MINUTE);
  };

  test("by a refresh out of sight while the app has unsaved work, or can't say", async () => {
    let dirty = true;
    await away({ isDirty: () => dirty });
    expect(refreshed).toEqual([]);
    dirty = false;
    await pass(11 * MINUTE);
    expect(refreshed).toHaveLength(1);
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    await away({
      isDirty: () => {
        throw new Error("mine");
      },
    });
    expect(refreshed).toHaveLength(2);
    expect(warned).toHaveBeenCalledOnce();
  });

  test("while a film or a song plays", async () => {
    const film = document.body.appendChild(document.createElement("video"));
    const paused = vi.spyOn(film, "paused", "get").mockReturnValue(false);
    await away();
    expect(refreshed).toEqual([]);
    paused.mockReturnValue(true);
    await pass(11 * MINUTE);
    expect(refreshed).toHaveLength(1);
  });

  test.each([
    ["preventDefault", (event: Event) => event.preventDefault()],
    ["returnValue", (event: Event) => void Object.assign(event, { returnValue: "Leave?" })],
  ])("while the app would ask the user to stay, by %s", async (_, refuse) => {
    addEventListener("beforeunload", refuse);
    await away();
    expect(refreshed).toEqual([]);
    removeEventListener("beforeunload", refuse);
    // It isn't asked often: what it tidies up then is needed by a page that stays.
    await pass(31 * MINUTE);
    expect(refreshed).toHaveLength(1);
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
  ])("while what a page would keep can't be saved: one that %s", async (_, save) => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    begin();
    host.keeps.set("draft", { save, of: "" });
    await tell(notice({ action: "navigate" }));
    hide(true);
    await pass(11 * MINUTE);
    expect(refreshed).toEqual([]);
    expect(reports()).toEqual(["held: keep: draft"]);
    host.keeps.set("draft", { save: () => "Dear", of: "" });
    await pass(20 * MINUTE);
    expect(refreshed).toHaveLength(1);
    expect(host.store.get("keep:draft")).toMatchObject({ state: "Dear" });
  });

  test("but who has asked for the refresh gets it, with all that can be saved", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    begin();
    host.keeps.set("draft", { save: () => Promise.reject(new Error("mine")), of: "" });
    host.keeps.set("cart", { save: () => [7], of: "" });
    await tell(notice());
    press("primary");
    await pass(2 * SECOND);
    expect(refreshed).toHaveLength(1);
    expect(host.store.get("keep:cart")).toMatchObject({ state: [7] });
  });

  test("but a page that nobody looks at asks nobody and waits for nothing but holds", async () => {
    begin({ unattended: true });
    hold("print job");
    await tell(notice());
    await pass(MINUTE);
    expect(refreshed).toEqual([]);
    hold();
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
    expect(root()).toBeNull();
    expect(reports()).toEqual(["refreshing"]);
  });
});

describe("countdown", () => {
  test("ticks in sight, speaks at its start, at a minute and at twenty seconds, and refreshes", async () => {
    begin();
    await tell(notice({ action: "countdown", countdown_ms: 2 * MINUTE }));
    const spoken = new Set<string>();
    for (let n = 0; n < 119; n++) {
      await pass(SECOND);
      spoken.add(says("[role=status]")!);
    }
    expect(says("[role=timer]")).toBe("0:01");
    expect([...spoken]).toEqual([
      "A new version is ready. The page refreshes when the time is up. 2 minutes.",
      "The page refreshes when the time is up. 1 minute.",
      "The page refreshes when the time is up. 20 seconds.",
    ]);
    expect(refreshed).toEqual([]);
    await pass(2 * SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("gives more time when asked", async () => {
    begin();
    await tell(notice({ action: "countdown", countdown_ms: MINUTE, hold_cap_ms: MINUTE }));
    press("secondary");
    expect(root()!.querySelector<HTMLElement>(".secondary")!.hidden).toBe(true);
    await pass(119 * SECOND);
    expect(refreshed).toEqual([]);
    await pass(2 * SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("waits for holds, says for what and how long, and no longer than the cap", async () => {
    begin();
    hold("unsaved draft");
    await tell(notice({ action: "countdown", countdown_ms: MINUTE, hold_cap_ms: 3 * MINUTE }));
    await pass(61 * SECOND);
    expect(reports()).toEqual(["shown", "held: unsaved draft"]);
    expect(says(".body")).toBe("Waiting for “unsaved draft”, 3 minutes at most.");
    expect(says("[role=timer]")).toBe("2:59");
    await pass(2 * MINUTE);
    expect(refreshed).toEqual([]);
    await pass(MINUTE);
    expect(refreshed).toHaveLength(1);
  });

  test("goes on as soon as the hold is released", async () => {
    begin();
    hold("unsaved draft");
    await tell(notice({ action: "countdown", countdown_ms: MINUTE }));
    await pass(2 * MINUTE);
    hold();
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("forced, gives ten seconds and heeds no hold", async () => {
    begin();
    hold("unsaved draft");
    await tell(notice({ action: "force" }));
    await pass(9 * SECOND);
    expect(refreshed).toEqual([]);
    await pass(2 * SECOND);
    expect(refreshed).toHaveLength(1);
  });
});

describe("never a loop", () => {
  test("an origin that serves the running build: no refresh, told once, ever rarer looks", async () => {
    begin();
    documentBuild = "A";
    await tell(notice({ action: "force" }));
    await pass(60 * MINUTE);
    expect(refreshed).toEqual([]);
    expect(reports()).toEqual(["shown", "origin_stale: the document carries A"]);
    // 30 s, 1, 2, 4, 8 and then every 10 minutes.
    expect(looked).toHaveLength(11);
    documentBuild = "B";
    await pass(10 * MINUTE);
    expect(refreshed).toHaveLength(1);
  });

  test("a user who pressed is told calmly", async () => {
    begin();
    documentBuild = "A";
    await tell(notice());
    press("primary");
    await pass(SECOND);
    expect(says(".body")).toBe("It isn’t available here yet. We’ll keep trying.");
    press("secondary");
    expect(root()).toBeNull();
    documentBuild = "B";
    await pass(10 * MINUTE);
    expect(refreshed).toEqual([]);
  });

  test("another build in the document is gone to only when the server says that it is better", async () => {
    begin();
    documentBuild = "C";
    await tell(notice());
    press("primary");
    await pass(SECOND);
    expect(sent).toContainEqual({ type: "found", build: "C" });
    part!.frame({ type: "better", build: "X", better: true });
    await pass(SECOND);
    expect(refreshed).toEqual([]);
    part!.frame({ type: "better", build: "C", better: true });
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("no answer about another build means no refresh", async () => {
    begin();
    documentBuild = "C";
    await tell(notice());
    press("primary");
    await pass(6 * SECOND);
    expect(refreshed).toEqual([]);
    expect(reports()).toEqual(["shown"]);
  });

  test("after three tries a calm failure is shown and reported", async () => {
    sessionStorage.setItem("freshwire:web:guard", '{"B":{"tries":3}}');
    begin();
    await tell(notice({ action: "force" }));
    await pass(11 * SECOND);
    expect(refreshed).toEqual([]);
    expect(reports()).toEqual(["shown", "failed: too_many_tries"]);
    expect(says("h2")).toBe("This page couldn’t be updated");
    press("secondary");
    expect(root()).toBeNull();
  });
});

describe("escalation", () => {
  test("an unknown action keeps to what was asked before, and says so", async () => {
    begin();
    await tell(notice());
    await tell(notice({ step: 1, action: "modal" }));
    expect(reports()).toEqual(["shown", "failed: unsupported", "shown"]);
    expect(root()).not.toBeNull();
  });

  test("from prompt to countdown to force", async () => {
    begin();
    await tell(notice());
    press("secondary");
    await tell(notice({ step: 1, action: "countdown" }));
    expect(says("[role=timer]")).toBe("5:00");
    await tell(notice({ step: 2, action: "force" }));
    expect(says("[role=timer]")).toBe("0:10");
    await pass(11 * SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("a new target while counting keeps the time that has passed", async () => {
    begin();
    await tell(notice({ action: "countdown" }));
    await pass(2 * MINUTE);
    await tell(notice({ action: "countdown", build: "C" }));
    expect(says("[role=timer]")).toBe("3:00");
  });
});

describe("other tabs", () => {
  const key = "freshwire:web:snooze";
  let other: BroadcastChannel;

  beforeEach(() => void (other = new BroadcastChannel("freshwire:web")));
  afterEach(() => other.close());

  test("stay as quiet as this one was told to be", async () => {
    begin();
    await tell(notice());
    const heard: unknown[] = [];
    other.onmessage = ({ data }) => heard.push(data);
    press("secondary");
    const snooze = { action: 2, severity: 1, until: Date.now() + 60 * MINUTE };
    await eventually(() => heard.length);
    expect(heard).toEqual([{ snooze }]);
    expect(JSON.parse(localStorage.getItem(key)!)).toEqual(snooze);
  });

  test("are heard, and remembered by a tab that is opened later", async () => {
    begin();
    await tell(notice());
    const until = Date.now() + MINUTE;
    other.postMessage({ snooze: { action: 2, severity: 1, until } });
    await eventually(() => !root());
    await pass(MINUTE + SECOND);
    expect(root()).not.toBeNull();
    await tell(null);
    localStorage.setItem(key, JSON.stringify({ action: 2, severity: 1, until: Date.now() + MINUTE }));
    dispatchEvent(new Event("pagehide"));
    begin();
    await tell(notice());
    expect(root()).toBeNull();
    await tell(notice({ action: "countdown", step: 1 }));
    expect(root()).not.toBeNull();
  });

  test("say what the user wants, and it is done here when nothing is lost by it", async () => {
    vi.mocked(Math.random).mockReturnValue(0.5);
    begin();
    await tell(notice());
    hold("draft");
    other.postMessage({ refresh: "X" });
    other.postMessage({ refresh: "B" });
    await pass(10 * SECOND);
    await eventually(() => vi.getTimerCount() > 0);
    await pass(10 * SECOND);
    expect(refreshed).toEqual([]);
    hold();
    await eventually(() => refreshed.length);
  });

  test("are no business of one without a notice", async () => {
    begin();
    await tell(notice());
    await tell(null);
    const heard = vi.fn();
    const third = new BroadcastChannel("freshwire:web");
    third.onmessage = heard;
    other.postMessage({ snooze: { action: 2, severity: 1, until: 0 } });
    await eventually(() => heard.mock.calls.length);
    third.close();
    await pass(MINUTE);
    await tell(notice());
    expect(root()).not.toBeNull();
  });
});

describe("a frame", () => {
  test("of the build of the page around it follows that, and does nothing by itself", async () => {
    begin({}, { embedded: true, around: "A" });
    await tell(notice({ action: "force" }));
    hide(true);
    await pass(60 * MINUTE);
    expect([refreshed, reports(), looked]).toEqual([[], [], []]);
    expect(root()).toBeNull();
  });

  test.each([undefined, "Z"])(
    "in a page of another build (%s) moves itself, without a card",
    async (around) => {
      begin({}, { embedded: true, around });
      await tell(notice({ action: "countdown", countdown_ms: MINUTE }));
      await pass(30 * SECOND);
      expect(root()).toBeNull();
      await pass(40 * SECOND);
      expect(root()).toBeNull();
      expect(refreshed).toHaveLength(1);
      expect(reports()).toEqual(["refreshing"]);
    },
  );
});

describe("the parts", () => {
  test("that can't be had are reported once, and tried again later", async () => {
    let away = true;
    begin({}, {}, { go: () => (away ? Promise.reject(new TypeError("deleted")) : Promise.resolve(go)) });
    await tell(notice({ action: "force", text: { title: "Please reload" } }));
    await pass(20 * SECOND);
    expect(reports()).toContain("failed: part_not_loaded");
    expect(refreshed).toEqual([]);
    away = false;
    await pass(MINUTE);
    expect(refreshed).toHaveLength(1);
    expect(reports().filter((report) => report == "failed: part_not_loaded")).toHaveLength(1);
  });

  test("for the preview are had where the app allows it and the address asks for it", async () => {
    const preview = vi.fn().mockResolvedValue(undefined);
    begin({ preview: true }, {}, { preview });
    history.replaceState(null, "", "/?a=1&freshwire=preview");
    begin({}, {}, { preview });
    expect(preview).not.toHaveBeenCalled();
    begin({ preview: true }, {}, { preview });
    expect(preview).toHaveBeenCalledExactlyOnceWith(host.options);
    history.replaceState(null, "", "/");
  });

  test("without the prompt there is one plain line, for each notice", async () => {
    begin({}, {}, { prompt: () => Promise.reject(new TypeError("deleted")) });
    await tell(notice({ text: { title: "Please reload" } }));
    await pass(SECOND);
    const bar = () => document.querySelector("[role=status]")?.textContent;
    expect(bar()).toBe("Please reload");
    await tell(null);
    expect(bar()).toBeUndefined();
    await tell(notice({ notice: 43 }));
    await pass(SECOND);
    expect(bar()).toMatch(/[Nn]ew version/);
  });
});

describe("a swap", () => {
  const swap = [{ from: "/assets/app.1.css", to: "/assets/app.2.css" }];
  const sheet = () => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.setAttribute("href", "/assets/app.1.css");
    return document.body.appendChild(link);
  };
  const sheets = () => [...document.querySelectorAll("link[rel=stylesheet]")] as HTMLLinkElement[];

  test("makes this page the target, and says so in a new hello", async () => {
    begin();
    sheet();
    await tell(notice({ action: "navigate", version: "2.0.0", swap }));
    sheets()[1]!.dispatchEvent(new Event("load"));
    await pass(0);
    expect(reports()).toEqual(["swapped"]);
    expect(host.me).toEqual({
      build: "B",
      version: "2.0.0",
      after: { notice: 42, from: "A", tries: 0 },
    });
    expect(line).toEqual(["close 3002", "kick"]);
    expect(status.notice).toBeNull();
    expect(refreshed).toEqual([]);
  });

  test("that fails is reported, and the page goes the usual way", async () => {
    begin();
    sheet();
    await tell(notice({ swap }));
    sheets()[1]!.dispatchEvent(new Event("error"));
    await pass(0);
    expect(reports()).toContain("failed: swap: a style sheet did not load");
    expect(host.me.build).toBe("A");
    press("primary");
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("isn't claimed when what swaps couldn't be loaded", async () => {
    begin({}, {}, { go: () => Promise.reject(new TypeError("deleted")) });
    await tell(notice({ action: "navigate", swap }));
    await pass(SECOND);
    expect(reports()).toEqual(["failed: part_not_loaded"]);
    expect(host.me.build).toBe("A");
  });
});

describe("signs of being old", () => {
  const says = (standing: Status["standing"], current = "B") => {
    status = { ...status, standing, current: { build: current } };
    part!.update();
    return pass(0);
  };

  test("are told to the server, and acted on only when it says that the page is old", async () => {
    status = { ...status, standing: "current" };
    begin();
    host.sign("chunk_error", "Loading chunk 7 failed");
    expect(sent).toEqual([{ type: "evidence", kind: "chunk_error", detail: "Loading chunk 7 failed" }]);
    await says("current", "A");
    await says("unknown");
    await pass(SECOND);
    expect(refreshed).toEqual([]);
    await says("stale");
    await pass(SECOND);
    expect(refreshed).toEqual([{ notice: null, build: "B", version: undefined }]);
  });

  test.each(["stale", "unsupported"] as const)(
    "move a page that is %s at once, but for a hold",
    async (standing) => {
      status = { ...status, standing };
      begin();
      hold("draft");
      host.sign("asset_404", `${location.origin}/assets/a.js`);
      await pass(SECOND);
      expect(refreshed).toEqual([]);
      hold();
      host.sign("asset_404", `${location.origin}/assets/b.js`);
      await pass(SECOND);
      expect(refreshed).toHaveLength(1);
    },
  );

  test("move nothing when it is another origin's script that is missing, but are told", async () => {
    begin();
    host.sign("asset_404", "https://ads.test/ad.js");
    await pass(SECOND);
    expect(sent).toEqual([{ type: "evidence", kind: "asset_404", detail: "https://ads.test/ad.js" }]);
    expect(refreshed).toEqual([]);
  });

  test("wait for a line to the server", async () => {
    status = { ...status, connection: "waiting" };
    begin();
    host.sign("api_426", "/api/cart");
    expect(sent).toEqual([]);
    status = { ...status, connection: "polling" };
    part!.update();
    expect(sent).toEqual([{ type: "evidence", kind: "api_426", detail: "/api/cart" }]);
  });

  test("are forgotten when the answer takes too long", async () => {
    status = { ...status, standing: "unknown" };
    begin();
    host.sign("chunk_error", "x");
    await pass(31 * SECOND);
    await says("stale");
    await pass(SECOND);
    expect(refreshed).toEqual([]);
  });

  test("lead to where the user was going", async () => {
    begin();
    await says("stale");
    const link = document.body.appendChild(document.createElement("a"));
    link.setAttribute("href", "/orders?page=2#latest");
    link.dispatchEvent(trusted(new MouseEvent("pointerdown", { bubbles: true, composed: true })));
    looked = [];
    host.sign("chunk_error", "Failed to fetch dynamically imported module");
    await pass(SECOND);
    expect(looked).toEqual([`${location.origin}/orders?page=2`]);
    expect(refreshed).toHaveLength(1);
  });

  test("but not to another origin, nor long after the click", async () => {
    begin();
    await says("stale");
    const link = document.body.appendChild(document.createElement("a"));
    link.setAttribute("href", "/orders");
    link.dispatchEvent(trusted(new MouseEvent("pointerdown", { bubbles: true, composed: true })));
    await pass(6 * SECOND);
    looked = [];
    host.sign("chunk_error", "x");
    await pass(SECOND);
    expect(looked).toEqual([location.href]);
  });
});

describe("by hand", () => {
  test("an app's own refresh that leads nowhere is a failure", async () => {
    begin();
    await tell(notice());
    press("primary");
    await pass(MINUTE);
    expect(reports()).toEqual(["shown", "refreshing", "failed: reload_did_nothing"]);
  });

  test("goes to current without a notice, and nowhere when there is nothing to go to", async () => {
    begin();
    part!.refresh();
    await pass(SECOND);
    expect(refreshed).toEqual([{ notice: null, build: "B", version: undefined }]);
    status = { ...status, current: { build: "A" } };
    begin();
    part!.refresh();
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("waits for a hold, and pressing again overrules it", async () => {
    begin();
    hold("unsaved draft");
    await tell(notice());
    press("primary");
    await pass(SECOND);
    expect(refreshed).toEqual([]);
    expect(says(".secondary")).toBe("Refresh anyway");
    press("secondary");
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });
});
