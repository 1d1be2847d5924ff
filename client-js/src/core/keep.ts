/** The page's own state, carried across a refresh: restored here and early; saved by the part that refreshes. */

import type { Freshwire } from "./options.js";
import type { Store } from "./storage.js";
import { warn } from "./warn.js";

/** Who has come back half an hour later has begun something else. */
const FRESH_MS = 1_800_000;

/** What one `keep` call registered. */
export interface Keep {
  save: () => unknown;
  /** Version and owner, in one. */
  of: string;
}

/** As stored under `keep:<name>`. */
export interface Kept {
  at: number;
  of: string;
  state: unknown;
}

export type Keeps = Map<string, Keep>;

/** Registers keeps and, once per document, restores what the page before this one saved under that name. */
export function keeper(store: Store): { keeps: Keeps; keep: Freshwire["keep"] } {
  const keeps: Keeps = new Map();
  const restored = new Set<string>();
  return {
    keeps,
    keep(name, save, restore, { version, owner } = {}) {
      const mine: Keep = { save, of: JSON.stringify([version, owner]) };
      const key = "keep:" + name;
      const kept = store.get<Kept>(key);
      keeps.set(name, mine);
      if (kept && !restored.has(name)) {
        restored.add(name);
        const ours = kept.of == mine.of && Date.now() - kept.at < FRESH_MS;
        // Runs until its first pause before `keep` returns. What couldn't be restored stays for another load.
        void (async () => {
          try {
            if (ours) await restore(kept.state as never);
            store.set(key, undefined);
          } catch (error) {
            warn(`the restore of "${name}" threw`, error);
          }
        })();
      }
      return () => {
        if (keeps.get(name) == mine) keeps.delete(name);
      };
    },
  };
}
