/** What the card says and offers in each state. Pure. */

import type { RefreshState } from "../act/refresh.js";
import type { Text } from "../core/options.js";
import type { Action, Notice } from "../core/wire.js";
import { clock, fill, spoken } from "./text.js";

export interface Facts {
  notice: Notice;
  action: Action;
  state: RefreshState;
  pressed: boolean;
  /** What a due refresh is waiting for, and for how long at most. */
  holds: string[];
  holdMs: number;
  leftMs: number;
  lengthMs: number;
  mayExtend: boolean;
}

export interface Button {
  label: string;
  press: () => void;
}

export interface View {
  /** Styles the card. */
  mood: "calm" | "security" | "failed";
  title: string;
  body: string;
  note: string;
  /** The ticking time, empty for none. */
  clock: string;
  /** What is left of the countdown, 0 to 1. */
  left?: number;
  busy: boolean;
  primary?: Button;
  secondary?: Button;
  /** What Escape does while focus is within. */
  escape?: () => void;
  /** Said to screen readers whenever it changes. */
  announce: string;
  /** Whether the user sees the notice itself, as opposed to how it fares. */
  shows: boolean;
}

interface Presses {
  press(): void;
  snooze(): void;
  moreTime(): void;
  dismiss(): void;
}

/** Countdowns are announced at their start, at a minute and at twenty seconds: never every second. */
const SPOKEN_MS = [60_000, 20_000];

function bodyText(security: boolean, counting: boolean, text: Required<Text>): string {
  if (security) return counting ? text.security_countdown_body : text.security_body;
  return counting ? text.countdown_body : text.body;
}

export function view(facts: Facts, text: Required<Text>, does: Presses): View {
  const { notice, action, state, holds } = facts;
  const own = notice.text ?? {};
  const security = notice.severity == "security";
  const counting = action == "countdown" || action == "force";
  const base: View = {
    mood: security ? "security" : "calm",
    title: own.title ?? (security ? text.security_title : counting ? text.countdown_title : text.title),
    body: own.body ?? bodyText(security, counting, text),
    note: notice.reason ? fill(text.reason, { reason: notice.reason }) : "",
    clock: "",
    busy: false,
    primary: { label: own.action ?? text.action, press: does.press },
    announce: "",
    shows: true,
  };
  const plain = { ...base, announce: `${base.title}. ${base.body}` };

  if (state == "failed") {
    const close = { label: text.close, press: does.dismiss };
    return {
      ...base,
      mood: "failed",
      title: text.failed_title,
      body: text.failed,
      note: "",
      primary: undefined,
      secondary: close,
      escape: does.dismiss,
      announce: `${text.failed_title}. ${text.failed}`,
      shows: false,
    };
  }
  if (state == "looking" || state == "leaving") {
    return { ...base, body: text.looking, busy: true, announce: text.looking, shows: false };
  }
  if (holds.length) {
    const say = (time: string) => fill(text.held, { holds: holds.join(", "), time });
    return {
      ...base,
      body: say(clock(facts.holdMs)),
      primary: { label: text.anyway, press: does.press },
      secondary: counting ? undefined : { label: text.later, press: does.snooze },
      escape: counting ? undefined : does.snooze,
      announce: say(spoken(facts.holdMs > 60_000 ? Math.ceil(facts.holdMs / 60_000) * 60_000 : 60_000, text)),
      shows: false,
    };
  }
  // Put away, a countdown still goes on trying; a prompt asks again another time.
  const away = counting ? does.dismiss : does.snooze;
  if (state == "unavailable" && (facts.pressed || (counting && facts.leftMs <= 0))) {
    return {
      ...base,
      body: text.unavailable,
      secondary: { label: text.later, press: away },
      escape: away,
      announce: text.unavailable,
      shows: false,
    };
  }
  if (counting) {
    const passed = SPOKEN_MS.filter((ms) => facts.leftMs <= ms && facts.lengthMs > ms);
    const at = passed.at(-1) ?? facts.lengthMs;
    return {
      ...plain,
      clock: clock(facts.leftMs),
      left: Math.min(1, facts.leftMs / facts.lengthMs),
      secondary: facts.mayExtend ? { label: text.more_time, press: does.moreTime } : undefined,
      announce: `${passed.length ? "" : `${base.title}. `}${fill(text.countdown, { time: spoken(at, text) })}`,
    };
  }
  return { ...plain, secondary: { label: text.later, press: does.snooze }, escape: does.snooze };
}
