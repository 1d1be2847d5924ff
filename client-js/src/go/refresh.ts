/** One refresh: look, ask, save, count, go. Whether and when to want one is the ladder's affair. */

import type { Target } from "../core/options.js";
import type { Host } from "../core/part.js";
import { warn } from "../core/warn.js";
import type { Outcome } from "../core/wire.js";
import { UNHANDLED, type Ladder, type Mover, type Way } from "../act/seam.js";
import type { RefreshState } from "../prompt/seam.js";
import type { Guard } from "./guard.js";
import { saveKeeps, savePlace } from "./keep.js";
import { look, type Unseen } from "./look.js";
import { leavingIsRefused, leaveWithoutAsking } from "./unload.js";

const ASK_MS = 5_000;
const BACKOFF_MS = 30_000;
const BACKOFF_CAP_MS = 600_000;
/** `location.reload()` may silently do nothing. */
const RELOAD_AGAIN_MS = 30_000;
const RELOAD_LEAST_MS = 5_000;
const RELOADS = 3;
/** As many failures as it takes to wait for the longest. */
const RARELY = 5;
/** Doubling from 30 s to 10 min, with up to as much again at random on top. */
export const backoff = (failures: number) =>
  Math.min(BACKOFF_MS * 2 ** failures, BACKOFF_CAP_MS) * (1 + Math.random());

const path = (address: string) => address.replace(/#.*/s, "");

/**
 * By GET, the method that was looked at, whatever the document came by: an entry of the history that a script has written
 * is loaded so.
 */
function byGet(address: string): void {
  try {
    History.prototype.replaceState.call(history, history.state, "", address);
  } catch {
    // The app has forbidden it, or does it too often.
  }
}

/** Whether the next document may come from a service worker. */
async function hasWorker(): Promise<boolean> {
  try {
    return !!(await navigator.serviceWorker?.getRegistration());
  } catch {
    // Forbidden, as all that is stored may be.
    return false;
  }
}

export function refresher(
  host: Host,
  guard: Guard,
  { report, changed, othersHold, free }: Ladder,
  renewWorker: () => Promise<boolean>,
): Pick<Mover, "state" | "failure" | "go" | "better" | "sayAgain" | "reset"> {
  const { options, store, me } = host;
  let state: RefreshState = "idle";
  let failure: string | undefined;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = 0;
  let answer: ((better: boolean) => void) | undefined;
  let asked = "";
  /** `location.reload()` has come to nothing. */
  let deaf = false;
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

  const stay = () => {
    host.refreshing(false);
    store.set("after", undefined);
  };

  /** Is the build that was found good enough to go to? No answer is undefined. */
  const ask = (build: string) =>
    new Promise<boolean | undefined>((resolve) => {
      asked = build;
      answer = resolve;
      setTimeout(resolve, ASK_MS, undefined);
      host.send({ type: "found", build });
    });

  const reload = (
    count: () => void,
    mine: number,
    to: string | undefined,
    asked: boolean | undefined,
    left = RELOADS,
  ) => {
    if (mine != turn) return;
    if (!left) {
      stay();
      return fail("reload_did_nothing");
    }
    count();
    host.refreshing(true);
    const since = Date.now();
    const again = () => {
      // A focus right after the reload began is no sign that it did nothing.
      if (Date.now() - since < RELOAD_LEAST_MS) return;
      settle();
      deaf = true;
      reload(count, mine, to, asked, left - 1);
    };
    const watch = setTimeout(again, RELOAD_AGAIN_MS);
    /** The app has asked, and the user wants to stay. */
    const refused = (event: BeforeUnloadEvent) => {
      // When the dialog closes, the window has focus again.
      removeEventListener("focus", again);
      setTimeout(() => {
        if (mine != turn) return;
        if (!event.defaultPrevented && !event.returnValue) return addEventListener("focus", again);
        settle();
        deaf = true;
        stay();
        blocked("held", "beforeunload");
        later();
      }, RELOAD_LEAST_MS);
    };
    const settle = () => {
      clearTimeout(watch);
      removeEventListener("focus", again);
      removeEventListener("beforeunload", refused);
    };
    addEventListener("focus", again);
    addEventListener("beforeunload", refused);
    if (asked) leaveWithoutAsking();
    // To assign what differs by its hash alone would load nothing.
    if (to && path(to) != path(location.href)) return location.assign(to);
    byGet(to ?? location.href);
    // Firefox reloads nothing any more once a user has chosen to stay. With a hash, this would load nothing either.
    if (deaf && !location.hash) location.replace(location.href);
    else location.reload();
  };

  const leave = async (target: Target, { automatic, quiet, looked, to }: Way, mine: number) => {
    become("leaving");
    const lost = await saveKeeps(host);
    if (mine != turn) return;
    if (lost.length && quiet) {
      blocked("held", `keep: ${lost}`);
      return later();
    }
    // Who has been asked is asked by the browser as well; who hasn't must not be.
    if (quiet && leavingIsRefused()) {
      blocked("held", "beforeunload");
      // What the app does then it shouldn't do again and again.
      failures = RARELY;
      return later();
    }
    // Who is on the way to another view begins there as it is.
    if (!to && !looked) savePlace(host);
    report("refreshing");
    host.emit("refresh", target);
    const count = () => {
      const tries = guard.count(target.build, !!automatic, Date.now());
      if (target.notice != null) {
        store.set("after", { notice: target.notice, from: me.build, tries });
      }
    };
    const { refresh } = options;
    if (!refresh) return reload(count, mine, to, quiet);
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

  /** A page that can't look goes without, once for each build, if there is a document to be had at all. */
  const mayGoUnseen = (why: Unseen, target: Target, { quiet }: Way) => {
    const { connection } = host.status();
    const there = connection == "open" || connection == "polling";
    // Where Freshwire can't be reached either, what answers is not the origin but a portal, perhaps.
    if (!there || (why == "policy" && quiet)) return false;
    // Where Freshwire is at the same origin, that can be reached.
    if (why == "network" && (quiet || new URL(host.base).origin != location.origin)) return false;
    if (!guard.mayFollowRedirect(target.build)) return false;
    guard.followRedirect(target.build);
    return true;
  };

  const refuse = (why: Unseen) => {
    blocked("failed", `look_refused: ${why}`);
    later();
  };

  const attempt = async (target: Target, way: Way) => {
    const mine = ++turn;
    const { to, looked, anyway } = way;
    clearTimeout(timer);
    obstacle = undefined;
    if (!/^http/.test(location.protocol) && !options.refresh) return fail(UNHANDLED);
    if (!guard.mayReload(target.build, !!way.automatic, Date.now())) return fail("too_many_tries");
    const worker = await hasWorker();
    if (mine != turn) return;
    if (worker) {
      become("looking");
      // A new worker may have every tab reload by the app's own doing: first of all everything is safe.
      const held = await othersHold();
      if (mine != turn) return;
      if (held && !anyway) {
        blocked("held", "another tab");
        return later();
      }
      await saveKeeps(host);
      const ready = await renewWorker();
      if (mine != turn) return;
      if (!ready) return refuse("worker");
      if (looked && !free()) return become("idle");
    }
    if (looked) return leave(target, way, mine);
    become("looking");
    const found = await look(options, to ?? location.href);
    if (mine != turn) return;
    if (found.is == "away") return later();
    if (found.is == "unseen") {
      if (!mayGoUnseen(found.why, target, way)) return refuse(found.why);
    } else if (found.build != target.build) {
      const better = found.build == me.build ? false : await ask(found.build);
      if (mine != turn) return;
      if (!better) {
        if (better == false) blocked("origin_stale", `the document carries ${found.build}`);
        return later();
      }
    }
    await leave(target, way, mine);
  };

  return {
    get state() {
      return state;
    },
    get failure() {
      return failure;
    },
    go(target, way) {
      if (
        state == "looking" ||
        state == "leaving" ||
        (way.automatic && !way.looked && !way.signed && state != "idle")
      )
        return;
      attempt(target, way).catch((error) => {
        warn("go.mjs failed", error);
        fail("part_failed");
      });
    },
    better(build, better) {
      if (build == asked) answer?.(better);
    },
    sayAgain() {
      if (obstacle) report(...obstacle);
    },
    reset() {
      obstacle = undefined;
      turn++;
      clearTimeout(timer);
      failures = 0;
      host.refreshing(false);
      state = "idle";
    },
  };
}
