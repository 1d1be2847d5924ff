/** What the card says and offers in each state. Pure. */

import { BUSY, UNSAVED } from "./seam.js";
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
  /** While something holds: the safe choice, if there is one. Otherwise what is asked for. */
  primary?: Button;
  secondary?: Button;
  /** The notice, while its card may be folded into what shows the clock alone. */
  folds?: number;
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

/** Who is about to be reloaded sees that it is so, and what can be done: the card isn't folded any more. */
const LAST_MS = 20_000;

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
  const { notice, action, state, holds, holdMs, leftMs, reasons, capMs } = facts;
  const { title, body, action: label } = notice.text ?? {};
  const { lang } = text;
  const security = notice.severity == "security";
  const counting = action == "countdown" || action == "force";
  // What the app calls as we do is one hold, too.
  const named = (holds: string[]) =>
    [
      ...new Set(holds.map((hold) => (hold == UNSAVED ? text.unsaved : hold == BUSY ? text.busy : hold))),
    ].join(", ");
  const ends =
    reasons.length && capMs > 0
      ? fill(text.countdown_held, { holds: named(reasons), time: spoken(capMs, lang) })
      : text.countdown_body;
  const refresh = (label: string): Button => ({ label, press: does.press, begin: does.begin });
  const all: View = {
    lang,
    mood: security ? "security" : "calm",
    title: title ?? (facts.recall ? text.recall_title : security ? text.security_title : text.title),
    body:
      body ??
      [security ? text.security_body : !counting && text.body, counting && ends].filter(Boolean).join("\n"),
    note: notice.reason ? fill(text.reason, { reason: notice.reason }) : "",
    clock: "",
    busy: false,
    primary: refresh(label ?? text.action),
    announce: "",
    shows: true,
    folds: counting && (holds.length ? holdMs : leftMs) > LAST_MS ? notice.notice : undefined,
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
      folds: undefined,
      primary: undefined,
      secondary: { label: text.close, press: does.dismiss },
      escape: does.dismiss,
    };
  }
  if (state == "looking" || state == "leaving") return { ...fares(text.looking), busy: true };

  // Put away, a countdown still goes on trying; a prompt asks again another time.
  const escape = counting ? does.dismiss : does.snooze;
  const later = { label: text.later, press: escape };
  const more = facts.mayExtend ? { label: text.more_time, press: does.moreTime } : undefined;
  if (holds.length) {
    const waits = (time: string) => fill(text.held, { holds: named(holds), time });
    return {
      ...fares(waits(spoken(holdMs, lang)), waits(spoken(milestone(named(holds), holdMs), lang))),
      clock: clock(holdMs),
      // What was 'Refresh now' when it was pressed is now safe to be pressed again by mistake.
      primary: counting ? more : later,
      secondary: refresh(text.anyway),
      escape: counting ? undefined : escape,
    };
  }
  if (state == "unavailable" && (facts.pressed || (counting && leftMs <= 0))) {
    return { ...fares(text.unavailable), secondary: later, escape };
  }
  if (!counting) return { ...all, secondary: later, escape };
  const at = milestone("", leftMs);
  return {
    ...all,
    clock: clock(leftMs),
    left: Math.min(1, leftMs / facts.lengthMs),
    secondary: more,
    announce: `${SPOKEN_MS.includes(at) ? ends : told} ${spoken(at, lang)}.`,
  };
}
