/** One app on this page: keeps the line and what the server says of the page; what is to be done is the part's. */

import { connection } from "./connection.js";
import { watchForEvidence, words } from "./evidence.js";
import { keeper } from "./keep.js";
import type { Events, Freshwire, Options, Status } from "./options.js";
import type { Host, Me, Memory, Part } from "./part.js";
import { loadPart } from "./load.js";
import { store } from "./storage.js";
import { warn } from "./warn.js";
import type { EvidenceKind, Hello, Notice, PageFacts, PageFrame, ServerFrame } from "./wire.js";

declare const __CLIENT__: string;

/** A page that is never idle gets the part all the same. */
const IDLE_MS = 2_000;
/** So many signs of being old tell no more than these did. */
const MOST_SIGNS = 20;
/** So often in a row has the socket come to nothing before the part, which can poll, is tried again. */
const MOST_FAILURES = 2;

/** Close codes of a page that goes. */
const LEAVING = 3001;
const REFRESHING = 3002;
const BFCACHE = 3003;
const FROZEN = 3004;
/** The server's close code of a session that was taken over. */
const REPLACED = 4102;

/** The build that a document says an app is: its own mark, or else one that names no app. */
export function mark(document: Document, app: string): string | undefined {
  const find = (which: string) =>
    document.querySelector<HTMLMetaElement>(`meta[name=freshwire-build]${which}`)?.content;
  return find(`[data-app=${JSON.stringify(app)}]`) || find(":not([data-app])");
}

/** In a frame: the build of the page around it, where that may be read. */
function buildAround(app: string): string | undefined {
  try {
    if (self != top) return mark(top!.document, app);
  } catch {
    // The page around it is another origin's.
  }
  return undefined;
}

/** Connects `build` of an app. `base` is the server's address without a slash at the end; empty: connects to nothing. */
export function client(base: string, build: string, options: Options, ended: () => void): Freshwire {
  const { app, labels } = options;
  const embedded = self != top;
  const around = buildAround(app);
  const stored = store(app, options.storage == "none");
  const holds = new Map<object, string>();
  const signs: Host["signs"] = [];
  /** What came before the part did. */
  const unheard: ServerFrame[] = [];
  const { keeps, keep } = keeper(stored);
  const listeners: { [E in keyof Events]?: Set<(value: Events[E]) => void> } = {};

  // A frame shares the tab's storage with the page around it, and must not walk off with its session.
  const take = <T>(name: string) => (embedded ? undefined : stored.take<T>(name));
  const me: Me = { build, version: options.version, after: take("after") };
  const memory: Memory = { seen: [] };
  /** After a start, and after the page that was shown in between in this tab had the session. */
  const recall = () => {
    Object.assign(memory, take("session"));
    // What another build was told says nothing to this one.
    if (memory.build != me.build) memory.seen = [];
  };
  recall();

  let status: Status = { standing: "unknown", why: null, current: null, connection: "closed", notice: null };
  let part: Part | undefined;
  let loading: Promise<void> | undefined;
  let loads = 0;
  let signed = 0;
  let refreshing = false;
  let closed = !base;
  const end = new AbortController();

  const on: Host["on"] = (target, event, listener) =>
    target.addEventListener(event, listener, { capture: true, signal: end.signal });

  const emit: Host["emit"] = (event, value) => {
    let handled: boolean | undefined;
    listeners[event]?.forEach((listener) => {
      try {
        listener(value);
        handled ??= true;
      } catch (error) {
        handled = false;
        warn(`your "${event}" listener threw`, error);
      }
    });
    return handled;
  };

  /** Lets the part do something. Its fault is its own, and the operator's to know. */
  const lend = (act: (part: Part) => void, to = part) => {
    try {
      if (to) act(to);
    } catch (error) {
      warn("act.mjs failed", error);
      const { notice } = status;
      if (notice) line.send({ type: "outcome", notice: notice.notice, is: "failed", detail: "part_failed" });
    }
  };

  const set = (change: Partial<Status>) => {
    status = { ...status, ...change };
    emit("status", status);
    if ("notice" in change) emit("notice", status.notice);
    lend((part) => part.update());
  };

  const reasons = () => [...holds.values()];

  const facts = (): PageFacts => ({ visible: !document.hidden, holds: reasons().slice(0, 8) });

  const hello = (token?: string): Hello => ({
    type: "hello",
    app,
    client: __CLIENT__,
    labels,
    ...memory,
    ...me,
    ...{ notice: undefined },
    page: facts(),
    frame: embedded ? "embedded" : "top",
    host: around,
    token,
    seen: memory.seen.map(({ at, ...seen }) => ({ ...seen, ago_ms: Math.max(0, Date.now() - at) })),
  });

  const send = (frame: PageFrame) => {
    if (!line.send(frame)) part?.post(frame);
  };

  const tell = () => {
    send({ type: "page", ...facts() });
    lend((part) => part.update());
  };

  const hold = (reason: string) => {
    const key = {};
    holds.set(key, String(reason).slice(0, 64));
    tell();
    return () => {
      if (holds.delete(key)) tell();
    };
  };

  const hear = (frame: ServerFrame) => {
    if (frame.type == "welcome") {
      const { session, resume, node } = frame;
      Object.assign(memory, { session, resume, via: node });
    }
    if (frame.type == "welcome" || frame.type == "standing") {
      const { standing, why, current } = frame;
      set({ standing, why, current });
    } else if (part) lend((part) => part.frame(frame));
    else {
      unheard.push(frame);
      void load();
    }
  };

  const token = () => (typeof options.token == "function" ? options.token() : options.token);

  const line = connection(
    base.replace(/^http/, "ws") + "/v1/connect",
    token,
    hello,
    hear,
    (connection, code) => {
      // Another page has this session now: taking it back would only have the two take turns.
      if (code == REPLACED) memory.session = memory.resume = undefined;
      // Kept by polling, the line is not worse for a socket that is tried beside it.
      set({ connection: status.connection == "polling" && /ing/.test(connection) ? "polling" : connection });
      if (line.failures() >= MOST_FAILURES) void load();
    },
  );

  const sign = (kind: EvidenceKind, detail?: unknown) => {
    if (signed++ > MOST_SIGNS) return;
    // What follows a question mark may be somebody's secret.
    signs.push({
      kind,
      detail: String(detail)
        .replace(/[?#].*/s, "")
        .slice(0, 200),
    });
    lend((part) => part.update());
  };

  const evidence: Freshwire["evidence"] = (what: unknown, detail?: unknown) => {
    if (typeof what == "string" && /^(chunk_e|asset_4|api_4)/.test(what)) sign(what as EvidenceKind, detail);
    else if ((what = words(what))) sign("chunk_error", what);
    return !!what;
  };

  const host: Host = {
    options,
    base,
    me,
    memory,
    embedded,
    around,
    store: stored,
    keeps,
    signs,
    sign,
    line,
    status: () => status,
    set,
    holds: reasons,
    hold,
    send,
    hello,
    token,
    hear,
    emit,
    on,
    refreshing: (yes) => (refreshing = yes),
    polling: () => set({ connection: "polling" }),
  };

  const load = async () => {
    if (closed) return;
    await (loading ??= loadPart(base, loads++).then(
      (module) => {
        if (closed) return;
        lend(() => (part = module.start(host)), {} as Part);
        for (const frame of unheard.splice(0)) lend((part) => part.frame(frame));
        lend((part) => part.update());
      },
      () => {
        loading = undefined;
        // Where no socket gets through either, that has been said.
        if (!line.failures()) warn("no act.mjs: see script-src");
        for (const { notice } of unheard as Notice[]) {
          if (notice) send({ type: "outcome", notice, is: "failed", detail: "part_not_loaded" });
        }
      },
    ));
  };

  const ask = (what: "saved" | "refresh" | "snooze") => () => void load().then(() => part?.[what]());

  const kick = () => {
    if (!closed) line.kick();
  };

  on(window, "pagehide", (event) => {
    if (!embedded) stored.set("session", { ...memory, build: me.build, notice: status.notice });
    line.close(refreshing ? REFRESHING : (event as PageTransitionEvent).persisted ? BFCACHE : LEAVING);
  });
  on(window, "pageshow", (event) => {
    if (!(event as PageTransitionEvent).persisted) return;
    recall();
    refreshing = false;
    kick();
  });
  on(window, "online", kick);
  on(document, "freeze", () => line.close(FROZEN));
  on(document, "resume", kick);
  on(document, "visibilitychange", () => {
    tell();
    if (!document.hidden) kick();
  });
  if (base) {
    watchForEvidence(on, sign, evidence);
    (self.requestIdleCallback ?? setTimeout)(load as () => void, { timeout: IDLE_MS } as never);
  }
  kick();

  return {
    app,
    get build() {
      return me.build;
    },
    get status() {
      return status;
    },
    on(event, listener) {
      const set: Set<typeof listener> = ((listeners[event] as Set<typeof listener>) ??= new Set() as never);
      set.add(listener);
      return () => void set.delete(listener);
    },
    hold,
    keep,
    evidence,
    saved: ask("saved"),
    refresh: ask("refresh"),
    snooze: ask("snooze"),
    close() {
      closed = true;
      end.abort();
      ended();
      set({ notice: null });
      line.close(LEAVING);
    },
  };
}
