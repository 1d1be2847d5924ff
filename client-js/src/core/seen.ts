/** What this page has seen of each campaign: its latest step, and what became of it. */

import type { Notice, Outcome, Seen } from "./wire.js";

/** As kept: by the moment of receipt on this page's clock, which also survives a reload. */
export type Sight = Omit<Seen, "ago_ms"> & { at: number };

/** A hello has 4 KiB for everything. */
const MOST = 8;

/** The same step again keeps its first receipt and outcome. */
export function sighted(seen: Sight[], { notice, run, step }: Notice, now: number): Sight[] {
  const same = seen.find((s) => s.notice == notice && s.run == run && s.step == step);
  return [
    ...seen.filter((s) => s.notice != notice),
    same ?? { notice, run, step, is: "received" as Outcome, at: now },
  ].slice(-MOST);
}
