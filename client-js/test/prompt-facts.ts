import type { Notice } from "../src/core/wire.js";
import type { Facts, Presses } from "../src/prompt/seam.js";

export const MINUTE = 60_000;

/** A plain prompt, but for what is given. */
export const facts = ({
  notice,
  ...rest
}: Partial<Omit<Facts, "notice">> & { notice?: Partial<Notice> } = {}): Facts => ({
  notice: { notice: 42, run: 42, step: 0, action: "prompt", build: "B", ...notice },
  action: "prompt",
  state: "idle",
  pressed: false,
  holds: [],
  holdMs: 0,
  reasons: [],
  capMs: 0,
  recall: false,
  leftMs: 0,
  lengthMs: 0,
  mayExtend: false,
  ...rest,
});

export const counting = (leftMs: number, rest: Parameters<typeof facts>[0] = {}) =>
  facts({ action: "countdown", leftMs, lengthMs: 5 * MINUTE, ...rest });

export const presses = (log: string[] = []): Presses => ({
  begin: () => void log.push("begin"),
  press: () => void log.push("press"),
  snooze: () => void log.push("snooze"),
  moreTime: () => void log.push("moreTime"),
  dismiss: () => void log.push("dismiss"),
});
