/** The words of the prompt: the app's own, then the locale's. */

/** Words of the prompt; `{…}` are filled in. A notice's own `text` goes before these, the locale's come after. */
export interface Text {
  title?: string;
  body?: string;
  action?: string;
  later?: string;
  more_time?: string;
  /** Instead of `body` while a countdown runs. */
  countdown_body?: string;
  /** Instead of `title` and `body` when the severity is `security`. */
  security_title?: string;
  security_body?: string;
  /** `{reason}`: the operator's. */
  reason?: string;
  /** Why a due refresh waits, and for how long at most: `{holds}`, `{time}`. */
  held?: string;
  /** The reason of a form that has input in it. */
  unsaved?: string;
  /** That of sound, a call, or a request that is under way. */
  busy?: string;
  anyway?: string;
  looking?: string;
  unavailable?: string;
  failed_title?: string;
  failed?: string;
  close?: string;
  /** Instead of `countdown_body` while something holds, which the end of the countdown waits for: `{holds}`, `{time}`. */
  countdown_held?: string;
  /** Instead of `title` and `security_title` when the page is to go back to an older build. */
  recall_title?: string;
}

/** All words, and the language that they are in. */
export interface Words extends Required<Text> {
  lang: string;
}

/** Built in. The order is that of the words in every locale. */
export const ENGLISH: Required<Text> = {
  title: "A new version is ready",
  body: "Refresh whenever it suits you.",
  action: "Refresh now",
  later: "Later",
  more_time: "More time",
  countdown_body: "The page refreshes when the time is up.",
  security_title: "Security update ready",
  security_body: "This version has a known security problem.",
  reason: "Reason: {reason}",
  held: "Waiting for “{holds}”, {time} at most.",
  unsaved: "unsaved input",
  anyway: "Refresh anyway",
  looking: "One moment…",
  unavailable: "It isn’t available here yet. We’ll keep trying.",
  failed_title: "This page couldn’t be updated",
  failed: "You can keep working. If something looks wrong, reopen this tab.",
  close: "Close",
  countdown_held: "When the time is up, the page waits for “{holds}”, {time} at most.",
  recall_title: "We’ve gone back to an earlier version",
  busy: "something in progress",
};

/** The words of one other language, each on a line after the first, in the order of the English ones. */
export type Locale = string;

/** English where the locale has none. */
export const words = (own?: Text, lang = "en", locale?: Locale): Words => {
  const lines = locale?.split("\n");
  const theirs = lines && Object.fromEntries(Object.keys(ENGLISH).map((key, n) => [key, lines[n + 1]]));
  return { ...ENGLISH, ...theirs, ...own, lang };
};

export const fill = (text: string, values: Record<string, string>) =>
  text.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all);

/** As a clock: `4:59`. */
export function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, "0")}`;
}

/** As one says it: `5 minutes`, `20 seconds`. */
export function spoken(ms: number, lang: string): string {
  const short = ms < 60_000;
  const unit = short ? "second" : "minute";
  const format = new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "long" });
  return format.format(short ? Math.ceil(ms / 1000) : Math.round(ms / 60_000));
}
