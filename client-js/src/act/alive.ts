/** An open socket may be long dead, after sleep or a change of networks: whoever looks again makes sure of it. */

import type { Host } from "../core/part.js";

const ANSWER_MS = 5_000;

/** Returns what is to be called on a `pong`. */
export function keepAlive({ on, line, send, status }: Host): () => void {
  let asked = 0;
  const check = () => {
    if (document.hidden || status().connection != "open") return;
    const mine = ++asked;
    send({ type: "ping" });
    setTimeout(() => {
      if (asked != mine) return;
      line.close();
      line.kick();
    }, ANSWER_MS);
  };
  on(window, "online", check);
  on(document, "visibilitychange", check);
  return () => asked++;
}
