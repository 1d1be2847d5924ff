/** Climbs the ladder: from the notice in effect, time, visibility and holds to what is shown and when to refresh. */

import type { Options, Target } from "../core/options.js";
import type { Host, Part } from "../core/part.js";
import { sighted } from "../core/seen.js";
import { warn } from "../core/warn.js";
import type { Action, Notice, Outcome } from "../core/wire.js";
import { BUSY, UNSAVED, type Facts, type Presses, type Prompt, type PromptModule } from "../prompt/seam.js";
import { keepAlive } from "./alive.js";
import { plainBar } from "./bar.js";
import { begin, extend, mayExtend, remaining, tick, type Countdown } from "./countdown.js";
import { unsavedInput } from "./unsaved.js";
import { actionFor, known, newer, pierces, rank } from "./ladder.js";
import {
  MOST_FAILURES,
  UNHANDLED,
  type BusyModule,
  type GoModule,
  type Ladder,
  type Mover,
  type PollModule,
  type Poller,
} from "./seam.js";
import { tabs } from "./tabs.js";

/** 'Hidden long enough': nobody notices a reload of a tab that has been out of sight for this long. */
const HIDDEN_MS = 600_000;
const SNOOZE_MS = 3_600_000;
const HOLD_CAP_MS = 600_000;
const TICK_MS = 1_000;
/** A part that couldn't be loaded is not asked for every second. */
const AGAIN_MS = 30_000;
/** Tabs that refresh together don't do it at once. */
const STAGGER_MS = 5_000;
/** A sign of being old is acted on when the server's answer to it comes within this. */
const SIGN_MS = 30_000;

/** Said where no words could be loaded. */
const RELOAD = "New version: please reload this page.";

/** What a press of a button asks for, when there is no notice to carry it. */
const BY_HAND = { notice: -1, run: 0, step: 0, action: "prompt" } as const;

/** How far this page has come with the notice in effect. */
interface Course {
  notice: Notice;
  action: Action;
  countdown?: Countdown;
  /** The user wants it: refresh as soon as holds and origin allow, and no later than this. */
  pressedUntil?: number;
  /** The user wants it in another tab: here as soon as nothing is lost by it. */
  wished?: boolean;
  /** The user has put the card away. */
  dismissed?: boolean;
  lastReport?: string;
  /** It may come without a refresh. */
  swapping?: boolean;
  shown?: boolean;
  /** A refresh is due and waits for holds. */
  held?: boolean;
  /** What held when the user began to press, and doesn't any more: the press itself may have ended it. */
  interrupted?: string[];
  /** Something of this build was missing: where the user wanted to go, and from where. */
  missed?: { to: string | undefined; from: string };
}

/** The parts beside this one. */
export interface Parts {
  go(): Promise<GoModule>;
  prompt(): Promise<PromptModule>;
  preview(options: Options): Promise<void>;
  busy(): Promise<BusyModule>;
  poll(): Promise<PollModule>;
}

export function start(host: Host, parts: Parts): Part {
  const { options, store, me, memory, embedded, on } = host;
  let course: Course | undefined;
  let hiddenSince = document.hidden ? Date.now() : 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let signedAt = -Infinity;
  let evidenceAt = -Infinity;
  let prompt: Prompt | undefined;
  let prompting: Promise<void> | undefined;
  let mover: Mover | undefined;
  let going: Promise<void> | undefined;
  /** A part couldn't be had: from then on there is a plain line instead of the card. */
  let lacking = false;

  /** Each outcome once per change. */
  const report = (is: Outcome, detail?: string) => {
    const said = `${is} ${detail}`;
    const notice = course?.notice.notice ?? -1;
    if (notice < 0 || course!.lastReport == said) return;
    course!.lastReport = said;
    memory.seen = memory.seen.map((sight) => (sight.notice == notice ? { ...sight, is } : sight));
    host.send({ type: "outcome", notice, is, detail });
  };

  const lack = () => {
    lacking = true;
    report("failed", "part_not_loaded");
    evaluate();
  };

  const loadGo = () =>
    (going ??= parts.go().then(
      (module) => {
        mover = module.start(host, ladder);
        if (course && moves(course)) mover.prepare(course.notice);
        evaluate();
      },
      () => {
        setTimeout(() => (going = undefined), AGAIN_MS);
        lack();
      },
    ));
  const unsaved = unsavedInput(host);
  /** What is under way, where the app has it watched. */
  let works = () => false;
  if (options.busy == "wrap") void parts.busy().then(({ wrap }) => (works = wrap()), lack);
  const alive = keepAlive(host);
  let polls: Poller | undefined;
  let polling: Promise<void> | undefined;
  const together = tabs(
    host,
    () => evaluate(),
    ({ refresh }) => {
      if (refresh && course?.notice.build == refresh) {
        setTimeout(() => {
          if (course?.notice.build == refresh) course!.wished = true;
          evaluate();
        }, Math.random() * STAGGER_MS);
      }
      evaluate();
    },
    () => loadGo().then(() => mover?.save()),
    () => !!holds().length,
  );
  const target = ({ notice: { notice, build, version } }: Course): Target => ({
    notice: notice < 0 ? null : notice,
    build,
    version,
  });
  const ladder: Ladder = {
    target: () => (course && moves(course) ? target(course) : undefined),
    free: () => free(),
    old: () => !!course || old() || Date.now() - evidenceAt < SIGN_MS,
    othersHold: together.othersHold,
    report,
    changed: () => evaluate(),
  };
  const missed = ({ missed }: Course) => (missed?.from == location.href ? missed.to : undefined);
  const moves = ({ action }: Course) => action != "silent" && !follows();

  /** This frame goes where the page around it goes. */
  const follows = () => embedded && host.around == me.build;

  const holds = () => {
    unsaved.review();
    let dirty;
    try {
      dirty = options.isDirty?.();
    } catch (error) {
      warn("your isDirty threw", error);
    }
    return [...new Set([...host.holds(), ...(dirty ? [UNSAVED] : []), ...(course?.interrupted ?? [])])];
  };
  /** What the page is in the middle of. Who presses, or isn't there, hears nothing that would have to be waited for. */
  const busy = (alone = false) => (works() || (!alone && mover?.busy()) ? [BUSY] : []);
  const free = () => !holds().length && !busy().length;
  const snoozed = (now: number) => {
    const snooze = together.snoozed();
    if (!course || !snooze) return false;
    const { action, notice } = course;
    // Further ahead than anybody can have asked for: the clock was wrong then, or is now.
    const left = snooze.until - now;
    return left > 0 && left <= (notice.snooze_ms ?? SNOOZE_MS) && !pierces(rank(action, notice), snooze);
  };

  /** A new notice, or a new step of the one in effect. */
  const follow = (notice: Notice) => {
    const before = course;
    const now = Date.now();
    const action = actionFor(notice, before && { notice: before.notice.notice, action: before.action });
    const sameTarget = before?.notice.build == notice.build;
    course = { notice, action };
    if (sameTarget && before) {
      course.pressedUntil = before.pressedUntil;
      mover?.sayAgain();
    } else {
      mover?.reset();
      if (moves(course)) mover?.prepare(notice);
    }
    if (action == "countdown" || action == "force") {
      course.countdown = begin({ ...notice, action }, now, before?.countdown);
    }
    if (!known(notice.action)) {
      warn(`unknown action "${notice.action}": update me`);
      report("failed", "unsupported");
    }
    if (notice.swap && !sameTarget) void swap(course, notice.swap);
  };

  const swap = async (mine: Course, pairs: NonNullable<Notice["swap"]>) => {
    mine.swapping = true;
    try {
      await loadGo();
      await mover!.swap(pairs);
    } catch (error) {
      mine.swapping = false;
      if (course == mine && mover) report("failed", (error as Error).message);
      return evaluate();
    }
    if (course != mine) return;
    report("swapped");
    swapped = true;
    const { notice, build, version } = mine.notice;
    Object.assign(me, { build, version: version ?? undefined, after: { notice, from: me.build, tries: 0 } });
    host.set({ notice: null });
    host.line.close(3002);
    host.line.kick();
  };

  const press = () => {
    if (!course) return;
    const now = Date.now();
    // Pressed again while held: the user knows better than the hold.
    const anyway = !!course.held;
    const still = holds();
    course.interrupted = anyway ? [] : begun.filter((reason) => !still.includes(reason));
    begun = [];
    course.pressedUntil = anyway ? now : now + (course.notice.hold_cap_ms ?? HOLD_CAP_MS);
    course.dismissed = false;
    together.say({ refresh: course.notice.build });
    if (anyway || !(holds().length || works())) mover?.go(target(course), { anyway, to: missed(course) });
    evaluate();
  };

  const snooze = () => {
    if (!course) return;
    if (course.countdown) return presses.moreTime();
    const { notice, action } = course;
    together.say({
      snooze: { ...rank(action, notice), until: Date.now() + (notice.snooze_ms ?? SNOOZE_MS) },
    });
    course.pressedUntil = undefined;
    course.shown = false;
    report("snoozed");
    evaluate();
  };

  /** What held when the latest press began. */
  let begun: string[] = [];
  const presses: Presses = {
    begin: () => (begun = holds()),
    press,
    snooze,
    moreTime() {
      if (course?.countdown) {
        course.countdown = extend(course.countdown, Date.now());
        course.pressedUntil = undefined;
      }
      evaluate();
    },
    dismiss() {
      if (course) course.dismissed = true;
      evaluate();
    },
  };

  /** Whether a refresh is due now but for the holds, and when the holds' word ends. */
  const due = ({ countdown, pressedUntil, wished }: Course, now: number): number | undefined => {
    // A press asks for it sooner, never later than the countdown has it.
    if (pressedUntil != null) return Math.min(pressedUntil, countdown?.latest ?? Infinity);
    if (countdown && remaining(countdown, now) <= 0) return countdown.latest;
    // What a milder action may do, a stronger one may as well, unless the user has asked to be left alone.
    const unseen = hiddenSince && now - hiddenSince >= HIDDEN_MS && !snoozed(now);
    return wished || options.unattended || unseen ? Infinity : undefined;
  };

  const evaluate = () => {
    if (!course || course.swapping || !moves(course)) return show(undefined);
    const now = Date.now();
    const { action, countdown, pressedUntil, dismissed } = course;
    const until = due(course, now);
    const reasons = [...holds(), ...busy(pressedUntil != null || options.unattended)];
    const waits = until != null && reasons.length > 0 && now < until;
    // Somebody who doesn't look is not shown, nor reported as, being waited for.
    const held = (course.held = waits && until != Infinity);
    const { state = "idle", failure } = mover ?? {};
    if (until != null && !waits && state == "idle") {
      const quiet = until == Infinity;
      if (!mover) void loadGo();
      else {
        const anyway = now >= until;
        return mover.go(target(course), {
          automatic: pressedUntil == null,
          quiet,
          anyway,
          to: missed(course),
        });
      }
    }
    if (held) report("held", reasons.join(", ").slice(0, 200));
    // Who was never asked isn't told of what can't be done here anyway.
    const unasked = action == "navigate" && pressedUntil == null && !course.missed;
    const failed = state == "failed" && failure != UNHANDLED;
    const quiet =
      options.prompt === false ||
      options.unattended ||
      embedded ||
      dismissed ||
      (unasked && !failed) ||
      (action == "prompt" && pressedUntil == null && snoozed(now));
    const leftMs = countdown ? Math.max(0, remaining(countdown, now)) : 0;
    show(
      quiet
        ? undefined
        : {
            notice: course.notice,
            action,
            state,
            pressed: pressedUntil != null,
            holds: held ? reasons : [],
            holdMs: held ? until! - now : 0,
            reasons,
            capMs: countdown ? countdown.latest - now - leftMs : 0,
            leftMs,
            lengthMs: countdown?.length ?? 0,
            mayExtend: !!countdown && mayExtend(countdown),
            recall: host.status().standing == "ahead" || newer(me.version, course.notice.version),
          },
    );
  };

  const show = (facts: Facts | undefined) => {
    if (!together.leads(!!facts)) facts = undefined;
    if (facts && !prompt) {
      prompting ??= parts
        .prompt()
        .then((module) => module.start(options, presses))
        .then((loaded) => {
          prompt = loaded;
          evaluate();
        }, lack);
    }
    plainBar(facts && lacking ? (facts.notice.text?.title ?? options.text?.title ?? RELOAD) : undefined);
    const seen = prompt?.show(lacking ? undefined : facts);
    if (course && !course.shown && seen && !document.hidden) {
      course.shown = true;
      report("shown");
    }
    pace(!!facts);
  };

  /** Every second for those who look; once, when that is next due, for those who don't. */
  const pace = (showing: boolean) => {
    clearTimeout(timer);
    if (!course) return;
    const { countdown, pressedUntil = 0 } = course;
    const now = Date.now();
    const times = [together.snoozed()?.until ?? 0, pressedUntil, hiddenSince && hiddenSince + HIDDEN_MS];
    if (countdown && !countdown.owed) times.push(countdown.endsAt, countdown.latest);
    const ms = Math.min(...times.filter((at) => at > now).map((at) => at - now));
    const ticks = !document.hidden && (showing || countdown);
    if (ticks || ms < Infinity) timer = setTimeout(pulse, ticks ? TICK_MS : ms + 1);
    // Long out of sight and still there: something stood against it, and may not for ever.
    else if (hiddenSince) timer = setTimeout(pulse, HIDDEN_MS);
  };

  const pulse = () => {
    if (course?.countdown) course.countdown = tick(course.countdown, Date.now(), !document.hidden);
    evaluate();
  };

  /** Style sheets of the new build beside scripts of the old one: current, but what those ask for may be gone. */
  let swapped = false;
  const old = () => swapped || /stale|unsupported/.test(host.status().standing);

  /** Tells the server of signs of being old, and moves when it says that the page is. */
  const heed = () => {
    const { current, connection } = host.status();
    const now = Date.now();
    if (connection == "open" || connection == "polling") {
      for (const sign of host.signs.splice(0)) {
        // Somebody else's script may be missing for reasons that are nobody's business, such as a blocker of ads.
        if (sign.kind != "asset_404" || sign.detail.startsWith(location.origin)) {
          signedAt = evidenceAt = now;
          // The app may leave by itself for that.
          void loadGo().then(() => mover?.save());
        }
        host.send({ type: "evidence", ...sign });
      }
    }
    if (now - signedAt > SIGN_MS || !current || !old()) return;
    signedAt = -Infinity;
    const mine = (course ??= { notice: { ...BY_HAND, ...current }, action: "prompt" });
    if (follows()) return;
    void loadGo().then(() => {
      if (course != mine || !mover) return;
      const to = mover.destination();
      // Whoever can't be taken there now is asked.
      course.missed = { to, from: location.href };
      if (free()) mover.go(target(course), { automatic: true, quiet: true, signed: true, to });
      evaluate();
    });
  };

  on(document, "visibilitychange", () => {
    hiddenSince = document.hidden ? Date.now() : 0;
    pulse();
  });
  // Browsers keep the answers of the time before for those who ask later.
  try {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceResourceTiming[]) {
        if (entry.responseStatus == 426) host.sign("api_426", entry.name);
      }
    }).observe({ type: "resource", buffered: true });
  } catch {
    // The app can say it itself, by `evidence()`.
  }
  if (options.preview && location.search.includes("freshwire=preview")) void parts.preview(options);
  if (options.storage != "none" && !store.set("guard", store.get("guard"))) {
    warn("storage is blocked: allow it");
  }
  // Reloaded by the user: the notice goes on. Reloaded for it, or arrived: the server decides afresh.
  if (memory.notice && !me.after && memory.notice.build != me.build) host.set({ notice: memory.notice });

  return {
    update() {
      const { notice, current, standing } = host.status();
      if (standing == "current") store.set("guard", undefined);
      if (notice && current && current.build == me.build) return host.set({ notice: null });
      if (notice && current && current.build != notice.build) {
        return host.set({ notice: { ...notice, swap: undefined, preload: undefined, ...current } });
      }
      if (notice && notice != course?.notice) follow(notice);
      else if (!notice && course && course.notice.notice >= 0) {
        course = undefined;
        mover?.reset();
      }
      // What an old page may need soon, and one that has just come back needs now.
      if (course || old() || store.get("place")) void loadGo();
      if (polls) polls.update();
      else if (host.line.failures() >= MOST_FAILURES) {
        polling ??= parts.poll().then(
          (module) => {
            polls = module.poller(host);
            polls.update();
          },
          () => (polling = undefined),
        );
      }
      heed();
      evaluate();
    },
    frame(frame) {
      if (frame.type == "notice") {
        memory.seen = sighted(memory.seen, frame, Date.now());
        host.send({ type: "outcome", notice: frame.notice, is: "received" });
        host.set({ notice: frame });
      } else if (frame.type == "withdraw") {
        if (host.status().notice?.notice == frame.notice) host.set({ notice: null });
      } else if (frame.type == "push") {
        memory.pushed = frame.push;
        const handled = host.emit("push", frame);
        const is = handled ? "handled" : handled == null ? "unhandled" : "failed";
        host.send({ type: "outcome", push: frame.push, is });
      } else if (frame.type == "pong") alive();
      else if (frame.type == "better") mover?.better(frame.build, frame.better);
    },
    post: (frame) => polls?.post(frame),
    refresh() {
      const { current } = host.status();
      if (!course && current && current.build != me.build) {
        course = { notice: { ...BY_HAND, ...current }, action: "prompt" };
      }
      press();
    },
    snooze,
    saved: unsaved.saved,
  };
}
