/** Climbs the ladder: from the notice in effect, time, visibility and holds to what is shown and when to refresh. */

import type { Target } from "../core/options.js";
import type { Host, Part } from "../core/part.js";
import type { Action, Notice, Outcome } from "../core/wire.js";
import { card } from "../prompt/card.js";
import { words } from "../prompt/text.js";
import { view } from "../prompt/view.js";
import { begin, extend, mayExtend, remaining, tick, type Countdown } from "./countdown.js";
import { guard } from "./guard.js";
import { actionFor, known, pierces, rank, type Rank } from "./ladder.js";
import { refresher, UNHANDLED } from "./refresh.js";

/** 'Hidden long enough': nobody notices a reload of a tab that has been out of sight for this long. */
const HIDDEN_MS = 600_000;
const SNOOZE_MS = 3_600_000;
const HOLD_CAP_MS = 600_000;
const TICK_MS = 1_000;
/** While nothing is shown, only long times are waited for. */
const IDLE_TICK_MS = 15_000;

/** What a press of a button asks for, when there is no notice to carry it. */
const BY_HAND = { notice: -1, run: 0, step: 0, action: "prompt" } as const;

/** How far this page has come with the notice in effect. */
interface Course {
  notice: Notice;
  action: Action;
  countdown?: Countdown;
  /** The user wants it: refresh as soon as holds and origin allow, and no later than this. */
  pressedUntil?: number;
  /** The user has put the card away. */
  dismissed?: boolean;
  lastReport?: string;
  shown?: boolean;
  /** A refresh is due and waits for holds. */
  held?: boolean;
}

interface Snooze extends Rank {
  until: number;
}

export function start(host: Host): Part {
  const { options, store } = host;
  let course: Course | undefined;
  let hiddenSince = document.hidden ? Date.now() : 0;
  let ticking: ReturnType<typeof setInterval> | undefined;
  let tickMs = 0;

  /** Each outcome once per change. */
  const report = (is: Outcome, detail?: string) => {
    const said = `${is} ${detail}`;
    if (!course || course.notice.notice < 0 || course.lastReport == said) return;
    course.lastReport = said;
    host.report(is, detail);
  };

  const refresh = refresher(host, guard(store, host.build), report, () => evaluate());
  const prompt = card();

  const target = ({ notice: { notice, build, version } }: Course): Target => ({
    notice: notice < 0 ? null : notice,
    build,
    version,
  });

  const snoozed = (now: number) => {
    const snooze = store.get<Snooze>("snooze") ?? memory;
    return !!course && !!snooze && snooze.until > now && !pierces(rank(course.action, course.notice), snooze);
  };
  /** Also when nothing may be stored. */
  let memory: Snooze | undefined;

  /** A new notice, or a new step of the one in effect. */
  const follow = (notice: Notice) => {
    const before = course;
    const now = Date.now();
    const action = actionFor(notice, before && { notice: before.notice.notice, action: before.action });
    const sameTarget = before?.notice.build == notice.build;
    course = { notice, action };
    if (sameTarget && before) {
      course.pressedUntil = before.pressedUntil;
      refresh.sayAgain();
    } else refresh.reset();
    if (action == "countdown" || action == "force") {
      course.countdown = begin({ ...notice, action }, now, before?.countdown);
    }
    if (!known(notice.action)) report("failed", "unsupported");
    // An embedded frame never reloads, neither itself nor the page around it: that page is told as well.
    if (host.embedded) report("failed", "embedded");
  };

  const press = () => {
    if (!course) return;
    const now = Date.now();
    // Pressed again while held: the user knows better than the hold.
    const anyway = !!course.held;
    course.pressedUntil = anyway ? now : now + (course.notice.hold_cap_ms ?? HOLD_CAP_MS);
    course.dismissed = false;
    if (anyway || !host.holds().length) refresh.go(target(course), false);
    evaluate();
  };

  const snooze = () => {
    if (!course) return;
    if (course.countdown) return moreTime();
    const { notice, action } = course;
    memory = { ...rank(action, notice), until: Date.now() + (notice.snooze_ms ?? SNOOZE_MS) };
    store.set("snooze", memory);
    course.pressedUntil = undefined;
    course.shown = false;
    report("snoozed");
    evaluate();
  };

  const moreTime = () => {
    if (course?.countdown) course.countdown = extend(course.countdown, Date.now());
    evaluate();
  };

  const dismiss = () => {
    if (course) course.dismissed = true;
    evaluate();
  };

  /** Whether a refresh is due now but for the holds, and when the holds' word ends. */
  const due = ({ action, countdown, pressedUntil }: Course, now: number): number | undefined => {
    if (pressedUntil != null) return pressedUntil;
    if (countdown && remaining(countdown, now) <= 0) return countdown.latest;
    // What a milder action may do, a stronger one may as well, unless the user has asked to be left alone.
    const hiddenLong = hiddenSince && now - hiddenSince >= HIDDEN_MS;
    return action != "silent" && hiddenLong && !snoozed(now) ? Infinity : undefined;
  };

  const evaluate = () => {
    if (!course || host.embedded) return show(undefined);
    const now = Date.now();
    const { action, countdown, pressedUntil, dismissed } = course;
    const until = due(course, now);
    const holds = host.holds();
    const waits = until != null && holds.length > 0 && now < until;
    // Somebody who doesn't look is not shown, nor reported as, being waited for.
    const held = (course.held = waits && until != Infinity);
    if (until != null && !waits && refresh.state == "idle") refresh.go(target(course), pressedUntil == null);
    if (held) report("held", holds.join(", ").slice(0, 200));
    // Who was never asked isn't told of what can't be done here anyway.
    const unasked = (action == "silent" || action == "navigate") && pressedUntil == null;
    const failed = refresh.state == "failed" && refresh.failure != UNHANDLED;
    const quiet =
      options.prompt === false ||
      dismissed ||
      (unasked && !failed) ||
      (action == "prompt" && pressedUntil == null && snoozed(now));
    show(
      quiet
        ? undefined
        : view(
            {
              notice: course.notice,
              action,
              state: refresh.state,
              pressed: pressedUntil != null,
              holds: held ? holds : [],
              holdMs: held ? until! - now : 0,
              leftMs: countdown ? Math.max(0, remaining(countdown, now)) : 0,
              lengthMs: countdown?.length ?? 0,
              mayExtend: !!countdown && mayExtend(countdown),
            },
            words(options.text),
            { press, snooze, moreTime, dismiss },
          ),
    );
  };

  const show = (what: ReturnType<typeof view> | undefined) => {
    prompt.show(what);
    pace(course && (what || course.countdown) ? TICK_MS : course ? IDLE_TICK_MS : 0);
    if (course && !course.shown && what?.shows && !document.hidden) {
      course.shown = true;
      report("shown");
    }
  };

  const pace = (ms: number) => {
    if (ms == tickMs) return;
    tickMs = ms;
    clearInterval(ticking);
    if (ms) ticking = setInterval(pulse, ms);
  };

  const pulse = () => {
    if (course?.countdown) course.countdown = tick(course.countdown, Date.now(), !document.hidden);
    evaluate();
  };

  document.addEventListener("visibilitychange", () => {
    hiddenSince = document.hidden ? Date.now() : 0;
    pulse();
  });

  return {
    update() {
      const { notice } = host.status();
      if (notice && notice != course?.notice) follow(notice);
      else if (!notice && course && course.notice.notice >= 0) {
        course = undefined;
        refresh.reset();
      }
      evaluate();
    },
    frame: refresh.frame,
    refresh() {
      const { current } = host.status();
      if (!course && current && current.build != host.build) {
        course = { notice: { ...BY_HAND, ...current }, action: "prompt" };
      }
      press();
    },
    snooze,
  };
}
