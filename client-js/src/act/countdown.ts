/** The arithmetic of a countdown. Pure: `now` is an argument, in milliseconds. */

import type { Notice } from "../core/wire.js";

const COUNTDOWN_MS = 300_000;
const HOLD_CAP_MS = 600_000;
const FORCE_MS = 10_000;
/** Nobody is reloaded without having had this long with the page in view. */
export const LEAST_VISIBLE_MS = 60_000;
/** Between two ticks only a sleeping machine lets this much pass. */
const ASLEEP_MS = 90_000;
const LONGEST_TICK_MS = 2_000;

export interface Countdown {
  /** What the whole bar stands for. */
  readonly length: number;
  readonly endsAt: number;
  /** Neither holds nor more time go beyond this. */
  readonly latest: number;
  /** Time in view that is still owed before the end. */
  readonly owed: number;
  readonly tickedAt: number;
}

/** A step that escalates a running countdown never gives back time that had already passed. */
export function begin(notice: Notice, now: number, running?: Countdown): Countdown {
  if (notice.action == "force") {
    const endsAt = Math.min(now + FORCE_MS, running ? now + Math.max(0, remaining(running, now)) : Infinity);
    return { length: FORCE_MS, endsAt, latest: endsAt, owed: 0, tickedAt: now };
  }
  const length = Math.max(notice.countdown_ms ?? COUNTDOWN_MS, LEAST_VISIBLE_MS);
  const cap = notice.hold_cap_ms ?? HOLD_CAP_MS;
  if (running) {
    const endsAt = Math.min(running.endsAt, now + length);
    return { ...running, endsAt, latest: Math.max(endsAt, Math.min(running.latest, now + length + cap)) };
  }
  const endsAt = now + length;
  return { length, endsAt, latest: endsAt + cap, owed: LEAST_VISIBLE_MS, tickedAt: now };
}

/** Time passes. A machine that slept owes its user the visible minute again. */
export function tick(countdown: Countdown, now: number, visible: boolean): Countdown {
  const passed = now - countdown.tickedAt;
  let { owed } = countdown;
  if (passed > ASLEEP_MS && countdown.length > FORCE_MS) owed = LEAST_VISIBLE_MS;
  else if (visible) owed = Math.max(0, owed - Math.min(Math.max(0, passed), LONGEST_TICK_MS));
  return { ...countdown, owed, tickedAt: now };
}

export const remaining = (countdown: Countdown, now: number) =>
  Math.max(countdown.endsAt - now, countdown.owed);

export const mayExtend = (countdown: Countdown) => countdown.endsAt < countdown.latest;

/** More time: as much again, within the cap. */
export function extend(countdown: Countdown, now: number): Countdown {
  const endsAt = Math.min(Math.max(countdown.endsAt, now) + countdown.length, countdown.latest);
  return { ...countdown, length: Math.max(countdown.length, endsAt - now), endsAt };
}
