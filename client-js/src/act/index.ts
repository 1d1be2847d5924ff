/** The part as it is served: the others lie beside it. */

import type { Host } from "../core/part.js";
import type { PromptModule } from "../prompt/seam.js";
import { start as startWith } from "./act.js";
import type { BusyModule, GoModule, PollModule } from "./seam.js";

/** Not for the bundler. */
const GO = "./go.mjs";
const PROMPT = "./prompt.mjs";
const PREVIEW = "./preview.mjs";
const BUSY = "./busy.mjs";
const POLL = "./poll.mjs";

export const start = (host: Host) =>
  startWith(host, {
    go: () => import(/* @vite-ignore */ GO) as Promise<GoModule>,
    prompt: () => import(/* @vite-ignore */ PROMPT) as Promise<PromptModule>,
    busy: () => import(/* @vite-ignore */ BUSY) as Promise<BusyModule>,
    poll: () => import(/* @vite-ignore */ POLL) as Promise<PollModule>,
    preview: async (options) => (await import(/* @vite-ignore */ PREVIEW)).preview(options),
  });
