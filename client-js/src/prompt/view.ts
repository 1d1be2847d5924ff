/** What the card says and offers in each state. Pure. */

import { UNSAVED } from "./seam.js";
import type { Facts, Presses } from "./seam.js";
import { clock, fill, spoken, type Words } from "./text.js";

export interface Button {
  label: string;
  press: () => void;
  /** To be called when the button goes down, before the app can take that for the end of what it was doing. */
  begin?: () => void;
}

/** All that is shown, ready to be put on the page. */
export interface View {
  /** The language of the words. */
  lang: string;
  /** Styles the card. */
  mood: "calm" | "security" | "failed";
  title: string;
  /** May hold a line break. */
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

/** Called whenever what is to be seen changes, each second of a countdown too; `null`: nothing is to be seen. */
export type CustomPrompt = (view: View | null) => void;

/** Times are said at their start, at a minute and at twenty seconds: never every second. */
const SPOKEN_MS = [60_000, 20_000];

/** Remembers which time was said last, and gives the one to say now. A time that grows is said anew. */
export type Milestones = (what: string, leftMs: number) => number;

export function milestones(): Milestones {
  let about = "";
  let said = 0;
  return (what, leftMs) => {
    // Some slack for a clock that is set.
    if (what != about || leftMs > said + 1_000) said = leftMs;
    about = what;
    for (const ms of SPOKEN_MS) if (leftMs <= ms && ms < said) said = ms;
    return said;
  };
}

export function view(facts: Facts, text: Words, does: Presses, milestone: Milestones): View {
  const { notice, action, state, holds, holdMs, leftMs } = facts;
  const { title, body, action: label } = notice.text ?? {};
  const { lang } = text;
  const security = notice.severity == "security";
  const counting = action == "countdown" || action == "force";
  const refresh = (label: string): Button => ({ label, press: does.press, begin: does.begin });
  const all: View = {
    lang,
    mood: security ? "security" : "calm",
    title: title ?? (security ? text.security_title : text.title),
    body:
      body ??
      [security ? text.security_body : !counting && text.body, counting && text.countdown_body]
        .filter(Boolean)
        .join("\n"),
    note: notice.reason ? fill(text.reason, { reason: notice.reason }) : "",
    clock: "",
    busy: false,
    primary: refresh(label ?? text.action),
    announce: "",
    shows: true,
  };
  const told = (all.announce = `${all.title}. ${all.body}`);
  /** How it fares, instead of what it is. */
  const fares = (body: string, announce = body) => ({ ...all, body, announce, shows: false });

  if (state == "failed") {
    return {
      ...fares(text.failed, `${text.failed_title}. ${text.failed}`),
      mood: "failed",
      title: text.failed_title,
      note: "",
      primary: undefined,
      secondary: { label: text.close, press: does.dismiss },
      escape: does.dismiss,
    };
  }
  if (state == "looking" || state == "leaving") return { ...fares(text.looking), busy: true };

  // Put away, a countdown still goes on trying; a prompt asks again another time.
  const escape = counting ? does.dismiss : does.snooze;
  const later = { secondary: { label: text.later, press: escape }, escape };
  if (holds.length) {
    const reasons = holds.map((reason) => (reason == UNSAVED ? text.unsaved : reason)).join(", ");
    const waits = (time: string) => fill(text.held, { holds: reasons, time });
    return {
      ...fares(waits(clock(holdMs)), waits(spoken(milestone(reasons, holdMs), lang))),
      ...(counting ? {} : later),
      primary: refresh(text.anyway),
    };
  }
  if (state == "unavailable" && (facts.pressed || (counting && leftMs <= 0))) {
    return { ...fares(text.unavailable), ...later };
  }
  if (!counting) return { ...all, ...later };
  const at = milestone("", leftMs);
  return {
    ...all,
    clock: clock(leftMs),
    left: Math.min(1, leftMs / facts.lengthMs),
    secondary: facts.mayExtend ? { label: text.more_time, press: does.moreTime } : undefined,
    announce: `${SPOKEN_MS.includes(at) ? text.countdown_body : told} ${spoken(at, lang)}.`,
  };
}
