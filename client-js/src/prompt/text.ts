/** The words of the prompt: English under the app's own. */

import type { Text } from "../core/options.js";

export const ENGLISH: Required<Text> = {
  title: "A new version is ready",
  body: "Refresh whenever it suits you. It only takes a moment.",
  action: "Refresh now",
  later: "Later",
  more_time: "More time",
  security_title: "Security update ready",
  security_body: "This page still runs a version with a known problem. Please refresh to stay safe.",
  security_countdown_body:
    "This page runs a version with a known problem. It refreshes by itself when the time is up.",
  reason: "Reason: {reason}",
  countdown_title: "Refreshing soon",
  countdown_body: "The page refreshes by itself when the time is up. Now is fine too, if it suits you.",
  countdown: "This page refreshes by itself in {time}.",
  held: "Waiting for “{holds}”. The page refreshes when that is done, or in {time} at the latest.",
  anyway: "Refresh anyway",
  looking: "One moment…",
  unavailable: "The new version isn't available here yet. We'll keep trying.",
  failed_title: "We couldn't update this page",
  failed: "You can keep working. If something looks wrong, close this tab and open it again.",
  close: "Close",
  minutes: "{n} minutes",
  minute: "1 minute",
  seconds: "{n} seconds",
};

export const words = (own: Text = {}): Required<Text> => ({ ...ENGLISH, ...own });

export const fill = (text: string, values: Record<string, string>) =>
  text.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all);

/** As a clock: `4:59`. */
export function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** As one says it: `5 minutes`, `20 seconds`. */
export function spoken(ms: number, text: Required<Text>): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return fill(text.seconds, { n: String(seconds) });
  const minutes = Math.round(seconds / 60);
  return minutes == 1 ? text.minute : fill(text.minutes, { n: String(minutes) });
}
