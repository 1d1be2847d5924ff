/** Every state of the prompt, as the ladder would give it. */

import type { Notice } from "../core/wire.js";
import type { Facts } from "./seam.js";
import type { Words } from "./text.js";

const MINUTE_MS = 60_000;

export interface State {
  name: string;
  /** None: the plain bar, which is shown when the prompt itself can't be loaded. */
  facts?: (text: Words) => Facts;
}

const state = (
  name: string,
  rest: Partial<Facts> = {},
  notice: Partial<Notice> = {},
  holds?: (text: Words) => string[],
): State => ({
  name,
  facts: (text) => ({
    notice: { notice: 1, run: 1, step: 0, action: "prompt", build: "preview", ...notice },
    action: "prompt",
    state: "idle",
    pressed: false,
    holds: (rest.leftMs ?? 0) > 0 ? [] : (holds?.(text) ?? []),
    holdMs: 0,
    reasons: holds?.(text) ?? [],
    capMs: 0,
    recall: false,
    leftMs: 0,
    lengthMs: 0,
    mayExtend: false,
    ...rest,
  }),
});

const counting = (leftMs: number, mayExtend = false): Partial<Facts> => ({
  action: "countdown",
  leftMs,
  lengthMs: 5 * MINUTE_MS,
  mayExtend,
});

export const STATES: State[] = [
  state("Prompt"),
  state("Prompt with a reason", {}, { reason: "INC-2041" }),
  state("Prompt, security", {}, { severity: "security", reason: "CVE-2026-1234" }),
  state("Countdown 5:00", counting(5 * MINUTE_MS, true)),
  state("Countdown 0:59", counting(59_000, true)),
  state("Countdown 0:19", counting(19_000)),
  state(
    "Countdown with unsaved input",
    { ...counting(4 * MINUTE_MS, true), capMs: 10 * MINUTE_MS },
    {},
    ({ unsaved }) => [unsaved],
  ),
  state("Countdown, recall", { ...counting(4 * MINUTE_MS, true), recall: true }),
  state("Countdown, security", counting(3 * MINUTE_MS, true), { severity: "security" }),
  state("Force 0:10", { action: "force", leftMs: 10_000, lengthMs: 10_000 }),
  state("Held", { pressed: true, holdMs: 10 * MINUTE_MS }, {}, () => ["checkout"]),
  state("Held by unsaved input", { ...counting(0, true), holdMs: 299_000 }, {}, ({ unsaved }) => [unsaved]),
  state("Looking", { state: "looking", pressed: true }),
  state("Unavailable", { state: "unavailable", pressed: true }),
  state("Failed", { state: "failed" }),
  { name: "Plain bar" },
];
