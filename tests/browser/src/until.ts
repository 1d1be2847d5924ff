/** Waiting for conditions instead of sleeping. */

import { setTimeout as pause } from "node:timers/promises";

/** Long enough for any machine; nothing is expected to take it. */
export const PATIENCE_MS = 40_000;
const POLL_MS = 40;

/** Asks until the answer is truthy, and gives it back; says what was awaited, and the last answer, when it never is. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  within = PATIENCE_MS,
): Promise<Exclude<T, false | null | undefined | 0 | "">> {
  const end = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer as Exclude<T, false | null | undefined | 0 | "">;
    if (Date.now() > end) throw new Error(`waited ${within} ms in vain until ${what}`);
    await pause(POLL_MS);
  }
}

/** The opposite: what must not happen hasn't happened in all that time. */
export async function never(what: string, ask: () => unknown, during: number): Promise<void> {
  const end = Date.now() + during;
  while (Date.now() < end) {
    if (await ask()) throw new Error(`it must not happen that ${what}`);
    await pause(POLL_MS);
  }
}

/** A value once it has stayed the same for so long: that nothing more comes can't be awaited otherwise. */
export async function settled<T>(what: string, ask: () => Promise<T>, during: number): Promise<T> {
  let last = await ask();
  let since = Date.now();
  await until(what, async () => {
    const now = await ask();
    if (now !== last) [last, since] = [now, Date.now()];
    return Date.now() - since > during;
  });
  return last;
}

/** A measured figure, for whoever reads the output. */
export function figure(what: string, value: number, unit = "ms"): void {
  process.stdout.write(`    figure: ${what}: ${Math.round(value)} ${unit}\n`);
}
