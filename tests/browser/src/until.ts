/** Waiting for conditions instead of sleeping. Who waits in vain says for what, and what was seen last. */

import { setTimeout as pause } from "node:timers/promises";

/** Long enough for two cores that have other things to do as well; nothing is expected to take it. */
export const PATIENCE_MS = 60_000;
const POLL_MS = 40;
/** A line or two of what was seen are enough to see why. */
const LONGEST = 300;

export type Truthy<T> = Exclude<T, false | null | undefined | 0 | "">;

/** What was asked can never become true any more: its process has ended. Nobody waits longer. */
export class Hopeless extends Error {}

/** For people, and short. */
export function shown(seen: unknown): string {
  const text = seen instanceof Error ? String(seen) : (JSON.stringify(seen) ?? String(seen));
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/**
 * Asks until the answer is truthy, and gives it back. An error is no answer: a document is being left, a server isn't
 * there yet. What was seen last is told when the answer never comes: the last answer, and the error after it, if any.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  within = PATIENCE_MS,
): Promise<Truthy<T>> {
  const end = Date.now() + within;
  let last = "there was no answer";
  let error = "";
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer as Truthy<T>;
      last = `the last answer was ${shown(answer)}`;
      error = "";
    } catch (thrown) {
      if (thrown instanceof Hopeless) throw thrown;
      error = `; then ${shown(thrown)}`;
    }
    if (Date.now() > end) throw new Error(`waited ${within} ms in vain until ${what}; ${last}${error}`);
    await pause(POLL_MS);
  }
}

/** The same of something that can be shown: looks until it is as wanted, and gives it back. */
export async function seen<T>(
  what: string,
  look: () => T | Promise<T>,
  as: (found: T) => boolean,
  within = PATIENCE_MS,
): Promise<T> {
  let last: unknown = "nothing";
  const found = await until(
    what,
    async () => {
      const now = await look();
      last = now;
      return as(now) && { now };
    },
    within,
  ).catch((error: Error) => {
    error.message += `; it was ${shown(last)}`;
    throw error;
  });
  return found.now;
}

/** The opposite: what must not happen hasn't happened in all that time. */
export async function never(what: string, ask: () => unknown, during: number): Promise<void> {
  const end = Date.now() + during;
  while (Date.now() < end) {
    let answer: unknown;
    try {
      answer = await ask();
    } catch (error) {
      throw new Error(`nobody can tell that it never happens that ${what}: ${shown(error)}`, {
        cause: error,
      });
    }
    if (answer) throw new Error(`it must not happen that ${what}; it was ${shown(answer)}`);
    await pause(POLL_MS);
  }
}

/** A value once it has stayed the same for so long: that nothing more comes can't be awaited otherwise. */
export async function settled<T>(what: string, ask: () => Promise<T>, during: number): Promise<T> {
  let last = await ask();
  let since = Date.now();
  await seen(
    what,
    async () => {
      const now = await ask();
      if (now !== last) [last, since] = [now, Date.now()];
      return last;
    },
    () => Date.now() - since > during,
  );
  return last;
}

/** A measured figure, for whoever reads the output. */
export function figure(what: string, value: number, unit = "ms"): void {
  process.stdout.write(`    figure: ${what}: ${Math.round(value)} ${unit}\n`);
}
