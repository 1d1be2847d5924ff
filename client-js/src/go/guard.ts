/**
 * Never a loop: reloads are counted by target build, and automatic ones by the hour whatever the target. The core
 * clears the count by target when the page turns out to be current.
 */

import type { Store } from "../core/storage.js";

export const MOST_TRIES = 3;
export const MOST_AN_HOUR = 4;
const HOUR_MS = 3_600_000;

interface Entry {
  tries: number;
  redirected?: boolean;
}

export interface Guard {
  mayReload(target: string, automatic: boolean, now: number): boolean;
  /** Counts a reload that is about to happen; returns the tries for this target, this one included. */
  count(target: string, automatic: boolean, now: number): number;
  /** Whether a reload into a redirect may be tried: once per target. */
  mayFollowRedirect(target: string): boolean;
  followRedirect(target: string): void;
}

/**
 * Without storage nothing can be counted across a reload, but the browser itself tells whether this document was
 * loaded by one. Then, or if it can't tell, no reload is automatic: at most one in a row, and nothing is stored.
 */
const loadedByReload = () =>
  (performance.getEntriesByType?.("navigation")[0] as PerformanceNavigationTiming | undefined)?.type !=
  "navigate";

/** `build` is the running one: having arrived there is a success, so its count is over. */
export function guard(store: Store, build: string): Guard {
  let entries = store.get<Record<string, Entry>>("guard") ?? {};
  delete entries[build];
  let stored = store.set("guard", entries);
  let spent = !stored && loadedByReload();

  const entry = (target: string): Entry => (entries[target] ??= { tries: 0 });
  const save = () => {
    stored = store.set("guard", entries);
  };
  const lastHour = (now: number) =>
    // A time in the future is a clock that was set back: it counts, or setting a clock would open the gate.
    (store.get<number[]>("reloads") ?? []).filter((at) => now - at < HOUR_MS).slice(-MOST_AN_HOUR);

  return {
    mayReload(target, automatic, now) {
      if (!stored) return !automatic || !spent;
      return entry(target).tries < MOST_TRIES && (!automatic || lastHour(now).length < MOST_AN_HOUR);
    },
    count(target, automatic, now) {
      spent = true;
      const tries = ++entry(target).tries;
      if (automatic) store.set("reloads", [...lastHour(now), now]);
      save();
      return tries;
    },
    mayFollowRedirect: (target) => !entry(target).redirected,
    followRedirect(target) {
      entry(target).redirected = true;
      save();
    },
  };
}
