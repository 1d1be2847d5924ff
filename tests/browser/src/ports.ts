/**
 * Ports that are the same again after a restart, or are told to a program before it is there. They lie below those that
 * the system gives to whoever asks for any, so that nobody is given them in between.
 */

import { createServer } from "node:net";

/** Above 10080, the highest port that browsers and `fetch` refuse to speak to (https://fetch.spec.whatwg.org/#port-blocking). */
const FIRST = 11_000;
const COUNT = 21_000;

/** Each process of a run has a part of its own: what one stops for a while is not taken by another. */
const PARTS = 4;
const PART = COUNT / PARTS;
const first = FIRST + (Number(process.env.VITEST_POOL_ID ?? 0) % PARTS) * PART;

/** Runs side by side begin far from one another. */
let next = (process.pid * 997) % PART;

/** One that nobody has. */
export async function quietPort(): Promise<number> {
  for (let tries = 0; tries < PART; tries++) {
    const port = first + next;
    next = (next + 1) % PART;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${first} to ${first + PART - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listens = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (listens) await new Promise((resolve) => server.close(resolve));
  return listens;
}
