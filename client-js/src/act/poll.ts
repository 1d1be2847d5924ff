/** The line by polling, for where sockets don't get through. A socket is tried beside it all the time. */

import type { Host } from "../core/part.js";
import { MOST_FAILURES, type Poller } from "./seam.js";
import type { PageFrame, Polled, ServerFrame } from "../core/wire.js";

const AGAIN_MS = 30_000;
const STOP_MS = 600_000;
const MOST_FRAMES = 16;

export function poller(host: Host): Poller {
  const { options, line } = host;
  const address = `${host.base}/v1/apps/${options.app}/poll`;
  let outbox: PageFrame[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let active = false;
  let busy = false;
  /** Told to stay away: nothing that happens here shortens it. */
  let firm = false;

  const next = (ms: number) => {
    clearTimeout(timer);
    if (active) timer = setTimeout(poll, ms);
  };

  const body = (frames: PageFrame[], token?: string) => JSON.stringify({ ...host.hello(token), frames });

  const poll = async () => {
    if (busy) return;
    busy = true;
    firm = false;
    let ms = AGAIN_MS;
    let taken = false;
    const frames = outbox.slice(0, MOST_FRAMES);
    try {
      const token = (await host.token()) as string | undefined;
      // A string goes as text/plain, which needs no leave of the server's.
      const response = await fetch(address, {
        method: "POST",
        body: body(frames, token),
        credentials: "omit",
      });
      const answer = (await response.json()) as Polled & { close?: number };
      if (!active) return;
      // What a server refuses it won't take a second time; what didn't reach it waits for the next poll.
      if ((taken = response.status < 500)) outbox.splice(0, frames.length);
      if (response.ok) {
        ms = answer.next_s * 1_000;
        host.polling();
        const { welcome, notice, pushes } = answer;
        const heard = [{ ...welcome, type: "welcome" }, ...answer.frames];
        if (notice) heard.push({ ...notice, type: "notice" });
        for (const push of pushes) heard.push({ ...push, type: "push" });
        for (const frame of heard) host.hear(frame as ServerFrame);
      } else if ((firm = answer.close! < 4100)) ms = STOP_MS;
    } catch {
      // Neither way gets through: the page is offline, or the server away.
    } finally {
      busy = false;
      next(taken && outbox.length && !firm ? 0 : ms * (1 + Math.random() / 5));
    }
  };

  return {
    update() {
      const closed = host.status().connection == "closed";
      const needed = !closed && line.failures() >= MOST_FAILURES;
      if (needed == active) return;
      active = needed;
      if (closed) {
        // By the page's end, perhaps: that event is still under way then.
        const { persisted } = (event ?? {}) as Partial<PageTransitionEvent>;
        outbox.push({ type: "bye", code: persisted ? 3003 : 3001 });
        navigator.sendBeacon(address, body(outbox.slice(-MOST_FRAMES)));
      }
      outbox = [];
      next(0);
    },
    post(frame) {
      if (!active || frame.type == "ping") return;
      outbox.push(frame);
      if (!firm) next(0);
    },
  };
}
