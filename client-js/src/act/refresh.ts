/** One refresh: look, ask, count, go. Whether and when to want one is the ladder's affair. */

import type { Target } from "../core/options.js";
import type { Host } from "../core/part.js";
import type { Outcome, ServerFrame } from "../core/wire.js";
import type { Guard } from "./guard.js";
import { look } from "./look.js";

const ASK_MS = 5_000;
const BACKOFF_MS = 30_000;
const BACKOFF_CAP_MS = 600_000;
/** `location.reload()` may silently do nothing. */
const RELOAD_AGAIN_MS = 30_000;
const RELOAD_LEAST_MS = 5_000;
const RELOADS = 3;
/** A document that isn't http(s), in a native shell perhaps, and an app that brings no refresh of its own. */
export const UNHANDLED = "unhandled";

export type RefreshState = "idle" | "looking" | "unavailable" | "leaving" | "failed";

export interface Refresher {
  readonly state: RefreshState;
  /** Why it failed. */
  readonly failure: string | undefined;
  /** Does nothing while one is under way; a user's press doesn't wait for the back-off. */
  go(target: Target, automatic: boolean): void;
  frame(frame: ServerFrame): void;
  /** Says again what stands in the way: to a notice that came after it was found. */
  sayAgain(): void;
  /** Another target, or none: whatever was found of the last one counts no longer. */
  reset(): void;
}

/** Doubling from 30 s to 10 min, with up to as much again at random on top. */
export const backoff = (failures: number) =>
  Math.min(BACKOFF_MS * 2 ** failures, BACKOFF_CAP_MS) * (1 + Math.random());

export function refresher(
  host: Host,
  guard: Guard,
  report: (is: Outcome, detail?: string) => void,
  changed: () => void,
): Refresher {
  let state: RefreshState = "idle";
  let failure: string | undefined;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = 0;
  let answer: ((better: boolean) => void) | undefined;
  let asked = "";
  let obstacle: [is: Outcome, detail: string] | undefined;

  const become = (next: RefreshState) => {
    state = next;
    changed();
  };

  const later = () => {
    timer = setTimeout(() => become("idle"), backoff(failures++));
    become("unavailable");
  };

  const blocked = (is: Outcome, detail: string) => {
    obstacle = [is, detail];
    report(is, detail);
  };

  const fail = (detail: string) => {
    failure = detail;
    blocked("failed", detail);
    become("failed");
  };

  /** Is the build that was found good enough to go to? No answer is undefined. */
  const ask = (build: string) =>
    new Promise<boolean | undefined>((resolve) => {
      asked = build;
      answer = resolve;
      setTimeout(resolve, ASK_MS, undefined);
      if (!host.send({ type: "found", build })) resolve(undefined);
    });

  const reload = (count: () => void, mine: number, left = RELOADS) => {
    if (mine != turn) return;
    if (!left) {
      host.leaving(false);
      host.store.set("after", undefined);
      return fail("reload_did_nothing");
    }
    count();
    host.leaving(true);
    location.reload();
    const since = Date.now();
    const again = () => {
      // A focus right after the reload began is no sign that it did nothing.
      if (Date.now() - since < RELOAD_LEAST_MS) return;
      clearTimeout(watch);
      removeEventListener("focus", again);
      reload(count, mine, left - 1);
    };
    const watch = setTimeout(again, RELOAD_AGAIN_MS);
    addEventListener("focus", again);
  };

  const leave = async (target: Target, automatic: boolean, mine: number) => {
    become("leaving");
    report("refreshing");
    host.emit("refresh", target);
    const count = () => {
      const tries = guard.count(target.build, automatic, Date.now());
      if (target.notice != null) {
        host.store.set("after", { notice: target.notice, from: host.build, tries });
      }
    };
    const { refresh } = host.options;
    if (!refresh) return reload(count, mine);
    count();
    try {
      await refresh(target);
      timer = setTimeout(() => {
        if (mine == turn) fail("reload_did_nothing");
      }, RELOAD_AGAIN_MS);
    } catch (error) {
      if (mine == turn) fail(`the app's refresh failed: ${String(error).slice(0, 100)}`);
    }
  };

  const attempt = async (target: Target, automatic: boolean) => {
    const mine = ++turn;
    clearTimeout(timer);
    obstacle = undefined;
    if (!/^https?:$/.test(location.protocol) && !host.options.refresh) return fail(UNHANDLED);
    if (!guard.mayReload(target.build, automatic, Date.now())) return fail("too_many_tries");
    become("looking");
    const found = await look(host.options.app);
    if (mine != turn) return;
    if (found.is == "away") {
      // Offline can't be told; a document without a mark is for the operator to mend.
      if (found.unmarked) blocked("origin_stale", found.detail);
      return later();
    }
    if (found.is == "redirect") {
      if (!guard.mayFollowRedirect(target.build)) return later();
      guard.followRedirect(target.build);
    } else if (found.build != target.build) {
      const better = found.build == host.build ? false : await ask(found.build);
      if (mine != turn) return;
      if (!better) {
        if (better == false) blocked("origin_stale", `the document carries ${found.build}`);
        return later();
      }
    }
    await leave(target, automatic, mine);
  };

  return {
    get state() {
      return state;
    },
    get failure() {
      return failure;
    },
    go(target, automatic) {
      if (state == "looking" || state == "leaving" || (automatic && state != "idle")) return;
      void attempt(target, automatic);
    },
    frame(frame) {
      if (frame.type == "better" && frame.build == asked) answer?.(frame.better);
    },
    sayAgain() {
      if (obstacle) report(...obstacle);
    },
    reset() {
      obstacle = undefined;
      turn++;
      clearTimeout(timer);
      failures = 0;
      host.leaving(false);
      state = "idle";
    },
  };
}
