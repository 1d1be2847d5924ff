/** A page's status as stores: Svelte's contract as it stands, and what Vue's `customRef` takes. No framework needed. */

import type { Freshwire, Status } from "./core/options.js";

/** A value that changes. */
export interface Readable<T> {
  /** Calls `run` now and at every change. Returns its own undo. */
  subscribe(run: (value: T) => void): () => void;
  /** The value now. */
  readonly value: T;
  /** For Vue: `const status = customRef(stores(fresh).status.ref)`, once, in a module. */
  ref(track: () => void, trigger: () => void): { get(): T; set(value: T): void };
}

export interface Stores {
  readonly status: Readable<Status>;
  /** Whether there is another build that this page should be on. */
  readonly updated: Readable<boolean>;
}

/** Whether a page of this status should be on another build. */
export const isUpdated = ({ standing, notice }: Status) =>
  standing == "stale" || standing == "unsupported" || !!notice;

function readable<T>(fresh: Freshwire, pick: (status: Status) => T): Readable<T> {
  const subscribe: Readable<T>["subscribe"] = (run) => {
    let last = pick(fresh.status);
    run(last);
    return fresh.on("status", (status) => {
      const next = pick(status);
      if (next !== last) run((last = next));
    });
  };
  return {
    subscribe,
    get value() {
      return pick(fresh.status);
    },
    ref(track, trigger) {
      subscribe(trigger);
      return {
        get() {
          track();
          return pick(fresh.status);
        },
        set() {
          // What the server says isn't the page's to change.
        },
      };
    },
  };
}

/** Stores over what `connect` gave. */
export const stores = (fresh: Freshwire): Stores => ({
  status: readable(fresh, (status) => status),
  updated: readable(fresh, isUpdated),
});
