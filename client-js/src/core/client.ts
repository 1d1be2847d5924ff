/** One app on this page: folds what the server says into a status, and calls in the part when there is something to do. */

import { plainBar } from "./bar.js";
import { connection, type Connection } from "./connection.js";
import type { Events, Freshwire, Options, Status } from "./options.js";
import type { Host, Part, PartModule } from "./part.js";
import { asTold, sighted, type Sight } from "./seen.js";
import { store } from "./storage.js";
import type { After, Hello, Judgement, Notice, PageFacts } from "./wire.js";

declare const __CLIENT__: string;
declare const __PART__: string;

/** Hashed parts are fetched a little after the news, not all at once and not in the way of the page's own start. */
const PART_AFTER_MS = 3_000;
const PART_SPREAD_MS = 5_000;

/** Close codes of a page that goes. */
const LEAVING = 3001;
const REFRESHING = 3002;
const BFCACHE = 3003;
/** The server's close code of a session that was taken over. */
const REPLACED = 4102;

/** What outlives this document, written on pagehide only: a duplicated tab must inherit none of it. */
interface Kept {
  build?: string;
  session?: string;
  resume?: string;
  via?: string;
  seen?: Sight[];
  notice?: Notice | null;
}

/** Connects `build` of an app. `base` is the server's address without a slash at the end; empty: connects to nothing. */
export function client(base: string, build: string, options: Options, ended: () => void): Freshwire {
  const { app, version, labels } = options;
  const embedded = self != top;
  const stored = store(app, options.storage == "none");
  const holds = new Map<object, string>();
  const listeners: { [E in keyof Events]?: Set<(value: Events[E]) => void> } = {};

  // A frame shares the tab's storage with the page around it, and must not walk off with its session.
  const take = (name: string) => (embedded ? undefined : stored.take<never>(name));
  const after: After | undefined = take("after");
  let { build: was, seen = [], notice = null, ...identity }: Kept = take("session") ?? {};
  // What another build was told says nothing to this one.
  if (was != build) seen = [];
  // Reloaded by the user: the notice goes on. Reloaded for it, or arrived: the server decides afresh.
  if (after || notice?.build == build) notice = null;

  let status: Status = { standing: "unknown", why: null, current: null, connection: "closed", notice };
  let part: Part | undefined;
  let loading: Promise<void> | undefined;
  let refreshing = false;
  let closed = !base;
  const end = new AbortController();
  const { signal } = end;

  const emit: Host["emit"] = (event, value) =>
    listeners[event]?.forEach((listener) => {
      try {
        listener(value);
      } catch (error) {
        // The app's own mistake: shown to the app, not passed on to Freshwire.
        setTimeout(() => {
          throw error;
        });
      }
    });

  const set = (change: Partial<Status>) => {
    const before = status;
    status = { ...status, ...change };
    emit("status", status);
    if (before.notice != status.notice) {
      plainBar();
      emit("notice", status.notice);
    }
    part?.update();
  };

  const facts = (): PageFacts => ({
    visible: !document.hidden,
    frozen: false,
    holds: [...holds.values()].slice(0, 8),
  });

  const hello = (token?: string): Hello => ({
    type: "hello",
    app,
    build,
    version,
    client: __CLIENT__,
    ...identity,
    labels,
    page: facts(),
    frame: embedded ? "embedded" : "top",
    token,
    seen: asTold(seen, Date.now()),
    after,
  });

  const host: Host = {
    options,
    build,
    embedded,
    store: stored,
    status: () => status,
    holds: () => [...holds.values()],
    send: (frame) => line.send(frame),
    report(is, detail) {
      const id = status.notice?.notice;
      if (id == null) return;
      seen = seen.map((s) => (s.notice == id ? { ...s, is } : s));
      line.send({ type: "outcome", notice: id, is, detail });
    },
    emit,
    leaving: (yes) => (refreshing = yes),
  };

  /** What can be said of a notice without the part: only what asks for the user's attention. */
  const plainly = () => {
    const { notice } = status;
    if (notice && !embedded && options.prompt !== false && !/^(silent|navigate)$/.test(notice.action)) {
      plainBar(
        notice.text?.title ?? options.text?.title ?? "A new version is ready. Please reload this page.",
      );
    }
  };

  const load = async () => {
    if (closed) return;
    await (loading ??= (
      import(
        /* @vite-ignore */ /* webpackIgnore: true */ `${base}/v1/client/${__PART__}/act.mjs`
      ) as Promise<PartModule>
    ).then(
      (module) => {
        if (closed) return;
        plainBar();
        part = module.start(host);
        part.update();
      },
      () => {
        loading = undefined;
        host.report("failed", "part_not_loaded");
        plainly();
      },
    ));
  };

  const judged = ({ standing, why, current }: Judgement) => {
    let { notice } = status;
    if (current && notice) {
      if (current.build == build) notice = null;
      else if (current.build != notice.build) notice = { ...notice, ...current };
    }
    if (standing == "current") stored.set("guard", undefined);
    else if (standing != "unknown") setTimeout(load, PART_AFTER_MS + Math.random() * PART_SPREAD_MS);
    set({ standing, why, current, notice });
  };

  const line: Connection = connection(
    base.replace(/^http/, "ws") + "/v1/connect",
    () => (typeof options.token == "function" ? options.token() : options.token),
    hello,
    (frame) => {
      if (frame.type == "welcome") {
        identity = { session: frame.session, resume: frame.resume, via: frame.node };
        if (status.notice) void load();
      }
      if (frame.type == "welcome" || frame.type == "standing") judged(frame);
      else if (frame.type == "notice") {
        seen = sighted(seen, frame, Date.now());
        line.send({ type: "outcome", notice: frame.notice, is: "received" });
        set({ notice: frame });
        void load();
      } else if (frame.type == "withdraw") {
        if (status.notice?.notice == frame.notice) set({ notice: null });
      } else part?.frame(frame);
    },
    (connection, code) => {
      // Another page has this session now: taking it back would only have the two take turns.
      if (code == REPLACED) identity = {};
      set({ connection });
    },
  );

  const tell = () => {
    line.send({ type: "page", ...facts() });
    part?.update();
  };

  const kick = () => {
    if (!closed) line.kick();
  };

  addEventListener(
    "pagehide",
    ({ persisted }) => {
      if (!embedded) stored.set("session", { build, ...identity, seen, notice: status.notice });
      line.close(refreshing ? REFRESHING : persisted ? BFCACHE : LEAVING);
    },
    { signal },
  );
  addEventListener(
    "pageshow",
    ({ persisted }) => {
      if (!persisted) return;
      // The page shown in between in this tab had the session and may have had its secret renewed.
      const { session, resume, via }: Kept = take("session") ?? identity;
      identity = { session, resume, via };
      refreshing = false;
      kick();
    },
    { signal },
  );
  addEventListener("online", kick, { signal });
  document.addEventListener(
    "visibilitychange",
    () => {
      tell();
      if (!document.hidden) kick();
    },
    { signal },
  );
  kick();

  return {
    app,
    build,
    get status() {
      return status;
    },
    on(event, listener) {
      const set: Set<typeof listener> = ((listeners[event] as Set<typeof listener>) ??= new Set() as never);
      set.add(listener);
      return () => void set.delete(listener);
    },
    hold(reason) {
      const key = {};
      holds.set(key, String(reason).slice(0, 64));
      tell();
      return () => {
        if (holds.delete(key)) tell();
      };
    },
    refresh: () => void load().then(() => part?.refresh()),
    snooze: () => void load().then(() => part?.snooze()),
    close() {
      closed = true;
      end.abort();
      ended();
      set({ notice: null });
      line.close(LEAVING);
    },
  };
}
