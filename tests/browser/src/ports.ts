/**
 * Ports that are the same again after a restart, or are told to a program before it is there. They lie below those that
 * the system gives to whoever asks for any, so that nobody is given them in between.
 */

import { createServer } from "node:net";

const FIRST = 10_000;
const COUNT = 22_000;

/** Processes side by side begin far from one another. */
let next = (process.pid * 997) % COUNT;

/** One that nobody has. */
export async function quietPort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FIRST} to ${FIRST + COUNT - 1} is free`);
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
