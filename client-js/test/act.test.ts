// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { start } from "../src/act/index.js";
import type { Options, Status, Target } from "../src/core/options.js";
import type { Host, Part } from "../src/core/part.js";
import { store } from "../src/core/storage.js";
import type { Notice, PageFrame } from "../src/core/wire.js";
import { memoryStorage } from "./memory-storage.js";

const SECOND = 1_000;
const MINUTE = 60_000;

let status: Status;
let holds: string[];
let hidden: boolean;
let reports: string[];
let sent: PageFrame[];
let refreshed: Target[];
let documentBuild: string;
let looks: number;
let part: Part;

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
  vi.spyOn(Math, "random").mockReturnValue(0);
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  vi.stubGlobal("fetch", async () => {
    looks++;
    return new Response(`<meta name="freshwire-build" content="${documentBuild}">`);
  });
  status = {
    standing: "stale",
    why: null,
    current: { build: "B" },
    connection: "open",
    notice: null,
  };
  [holds, hidden, reports, sent, refreshed, documentBuild, looks] = [[], false, [], [], [], "B", 0];
});

afterEach(() => {
  tell(null);
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function begin(options: Partial<Options> = {}, host: Partial<Host> = {}) {
  part = start({
    options: { app: "web", refresh: (target) => void refreshed.push(target), ...options },
    build: "A",
    embedded: false,
    store: store("web", false),
    status: () => status,
    holds: () => holds,
    send: (frame) => sent.push(frame) > 0,
    report: (is, detail) => void reports.push(detail ? `${is}: ${detail}` : is),
    emit: () => {},
    leaving: () => {},
    ...host,
  });
}

function tell(next: Notice | null) {
  status = { ...status, notice: next };
  part.update();
}
function hold(...reasons: string[]) {
  holds = reasons;
  part.update();
}
function hide(yes: boolean) {
  hidden = yes;
  document.dispatchEvent(new Event("visibilitychange"));
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const root = () => document.querySelector("[data-freshwire]")?.shadowRoot ?? null;
const says = (part: string) => root()?.querySelector(part)?.textContent;
const press = (button: "primary" | "secondary") => root()!.querySelector<HTMLElement>(`.${button}`)!.click();

describe("prompt", () => {
  test("takes no focus and is announced after its live region is there", async () => {
    begin();
    tell(notice({ text: { title: "Neu", body: "Bitte neu laden", action: "Laden" } }));
    expect(says("[role=status]")).toBe("");
    await pass(SECOND);
    expect(says("[role=status]")).toBe("Neu. Bitte neu laden");
    expect(says(".primary")).toBe("Laden");
    expect(document.activeElement).toBe(document.body);
    expect(reports).toEqual(["shown"]);
  });

  test("never refreshes by itself while it is looked at", async () => {
    begin();
    tell(notice());
    await pass(20 * MINUTE);
    expect(refreshed).toEqual([]);
  });

  test("pressed, looks at the document and refreshes", async () => {
    begin();
    tell(notice());
    press("primary");
    await pass(SECOND);
    expect(refreshed).toEqual([{ notice: 42, build: "B", version: undefined }]);
    expect(reports).toEqual(["shown", "refreshing"]);
  });

  test("put off, comes back after its time", async () => {
    begin();
    tell(notice({ snooze_ms: 30 * MINUTE }));
    press("secondary");
    expect(root()).toBeNull();
    await pass(29 * MINUTE);
    expect(root()).toBeNull();
    await pass(MINUTE + 15 * SECOND);
    expect(root()).not.toBeNull();
    expect(reports).toEqual(["shown", "snoozed", "shown"]);
  });

  test("put off, stays away for its like, and comes back for something graver", async () => {
    begin();
    tell(notice());
    press("secondary");
    tell(notice({ notice: 43 }));
    expect(root()).toBeNull();
    tell(notice({ notice: 44, severity: "security" }));
    expect(root()).not.toBeNull();
  });

  test("Escape puts it off while focus is within", () => {
    begin();
    tell(notice());
    const button = root()!.querySelector<HTMLElement>(".primary")!;
    button.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, composed: true }));
    expect(reports).toEqual(["shown", "snoozed"]);
  });

  test("goes when the notice is withdrawn, and isn't there when the app shows its own", () => {
    begin();
    tell(notice());
    tell(null);
    expect(root()).toBeNull();
    begin({ prompt: false });
    tell(notice());
    expect(root()).toBeNull();
  });

  test("is shown only once somebody can see it", () => {
    begin();
    hide(true);
    tell(notice());
    expect(reports).toEqual([]);
    hide(false);
    expect(reports).toEqual(["shown"]);
  });
});

describe("hidden", () => {
  test("for ten minutes without a hold, a tab refreshes itself", async () => {
    begin();
    tell(notice({ action: "navigate" }));
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
    tell(notice({ action: "navigate" }));
    hide(true);
    await pass(60 * MINUTE);
    expect(refreshed).toEqual([]);
    hold();
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });
});

describe("countdown", () => {
  test("ticks in sight, speaks at its start, at a minute and at twenty seconds, and refreshes", async () => {
    begin();
    tell(notice({ action: "countdown", countdown_ms: 2 * MINUTE }));
    const spoken = new Set<string>();
    for (let n = 0; n < 119; n++) {
      await pass(SECOND);
      spoken.add(says("[role=status]")!);
    }
    expect(says("[role=timer]")).toBe("0:01");
    expect([...spoken]).toEqual([
      "Refreshing soon. This page refreshes by itself in 2 minutes.",
      "This page refreshes by itself in 1 minute.",
      "This page refreshes by itself in 20 seconds.",
    ]);
    expect(refreshed).toEqual([]);
    await pass(2 * SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("gives more time when asked", async () => {
    begin();
    tell(notice({ action: "countdown", countdown_ms: MINUTE, hold_cap_ms: MINUTE }));
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
    tell(notice({ action: "countdown", countdown_ms: MINUTE, hold_cap_ms: 3 * MINUTE }));
    await pass(61 * SECOND);
    expect(reports).toEqual(["shown", "held: unsaved draft"]);
    expect(says(".body")).toMatch(/“unsaved draft”.* 2:59 at the latest/);
    await pass(2 * MINUTE);
    expect(refreshed).toEqual([]);
    await pass(MINUTE);
    expect(refreshed).toHaveLength(1);
  });

  test("goes on as soon as the hold is released", async () => {
    begin();
    hold("unsaved draft");
    tell(notice({ action: "countdown", countdown_ms: MINUTE }));
    await pass(2 * MINUTE);
    hold();
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("forced, gives ten seconds and heeds no hold", async () => {
    begin();
    hold("unsaved draft");
    tell(notice({ action: "force" }));
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
    tell(notice({ action: "force" }));
    await pass(60 * MINUTE);
    expect(refreshed).toEqual([]);
    expect(reports).toEqual(["shown", "origin_stale: the document carries A"]);
    // 30 s, 1, 2, 4, 8 and then every 10 minutes.
    expect(looks).toBe(10);
    documentBuild = "B";
    await pass(10 * MINUTE);
    expect(refreshed).toHaveLength(1);
  });

  test("a user who pressed is told calmly", async () => {
    begin();
    documentBuild = "A";
    tell(notice());
    press("primary");
    await pass(SECOND);
    expect(says(".body")).toBe("The new version isn't available here yet. We'll keep trying.");
    press("secondary");
    expect(root()).toBeNull();
    documentBuild = "B";
    await pass(10 * MINUTE);
    expect(refreshed).toEqual([]);
  });

  test("another build in the document is gone to only when the server says that it is better", async () => {
    begin();
    documentBuild = "C";
    tell(notice());
    press("primary");
    await pass(SECOND);
    expect(sent).toEqual([{ type: "found", build: "C" }]);
    part.frame({ type: "better", build: "X", better: true });
    await pass(SECOND);
    expect(refreshed).toEqual([]);
    part.frame({ type: "better", build: "C", better: true });
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("no answer about another build means no refresh", async () => {
    begin();
    documentBuild = "C";
    tell(notice());
    press("primary");
    await pass(6 * SECOND);
    expect(refreshed).toEqual([]);
    expect(reports).toEqual(["shown"]);
  });

  test("after three tries a calm failure is shown and reported", async () => {
    sessionStorage.setItem("freshwire:web:guard", '{"B":{"tries":3}}');
    begin();
    tell(notice({ action: "force" }));
    await pass(11 * SECOND);
    expect(refreshed).toEqual([]);
    expect(reports).toEqual(["shown", "failed: too_many_tries"]);
    expect(says("h2")).toBe("We couldn't update this page");
    press("secondary");
    expect(root()).toBeNull();
  });

  test("an embedded frame reloads nothing and says so", async () => {
    begin({}, { embedded: true });
    tell(notice({ action: "force" }));
    await pass(MINUTE);
    expect(refreshed).toEqual([]);
    expect(reports).toEqual(["failed: embedded"]);
    expect(root()).toBeNull();
  });
});

describe("escalation", () => {
  test("an unknown action keeps to what was asked before, and says so", () => {
    begin();
    tell(notice());
    tell(notice({ step: 1, action: "modal" }));
    expect(reports).toEqual(["shown", "failed: unsupported", "shown"]);
    expect(root()).not.toBeNull();
  });

  test("from prompt to countdown to force", async () => {
    begin();
    tell(notice());
    press("secondary");
    tell(notice({ step: 1, action: "countdown" }));
    expect(says("[role=timer]")).toBe("5:00");
    tell(notice({ step: 2, action: "force" }));
    expect(says("[role=timer]")).toBe("0:10");
    await pass(11 * SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("a new target while counting keeps the time that has passed", async () => {
    begin();
    tell(notice({ action: "countdown" }));
    await pass(2 * MINUTE);
    tell(notice({ action: "countdown", build: "C" }));
    expect(says("[role=timer]")).toBe("3:00");
  });
});

describe("by hand", () => {
  test("an app's own refresh that leads nowhere is a failure", async () => {
    begin();
    tell(notice());
    press("primary");
    await pass(MINUTE);
    expect(reports).toEqual(["shown", "refreshing", "failed: reload_did_nothing"]);
  });

  test("goes to current without a notice, and nowhere when there is nothing to go to", async () => {
    begin();
    part.refresh();
    await pass(SECOND);
    expect(refreshed).toEqual([{ notice: null, build: "B", version: undefined }]);
    status = { ...status, current: { build: "A" } };
    begin();
    part.refresh();
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });

  test("waits for a hold, and pressing again overrules it", async () => {
    begin();
    hold("unsaved draft");
    tell(notice());
    press("primary");
    await pass(SECOND);
    expect(refreshed).toEqual([]);
    expect(says(".primary")).toBe("Refresh anyway");
    press("primary");
    await pass(SECOND);
    expect(refreshed).toHaveLength(1);
  });
});
