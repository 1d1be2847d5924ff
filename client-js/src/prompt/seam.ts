/** The seam between the ladder, which knows facts, and the prompt, which turns them into words and a card. */

import type { Action, Notice } from "../core/wire.js";
import type { Text } from "./text.js";
import type { CustomPrompt } from "./view.js";

/** The reason of a hold by forms with input in them; the prompt has it in the user's language. */
export const UNSAVED = "unsaved input";
/** That of what the page is in the middle of: something plays, a call, a request under way. */
export const BUSY = "something in progress";

/** How the refresh fares. */
export type RefreshState = "idle" | "looking" | "unavailable" | "leaving" | "failed";

/** What is known of the notice in effect. Times are in milliseconds. */
export interface Facts {
  notice: Notice;
  action: Action;
  state: RefreshState;
  /** The user has asked for the refresh. */
  pressed: boolean;
  /** What a due refresh is waiting for, and for how long at most. */
  holds: string[];
  holdMs: number;
  /** What holds, whether or not a refresh is due, and how long the end of a countdown waits for it. */
  reasons: string[];
  capMs: number;
  /** What is left of the countdown, and how long all of it is. */
  leftMs: number;
  lengthMs: number;
  mayExtend: boolean;
  /** The page runs something newer than it is to go to. */
  recall: boolean;
}

/** What the user may ask for. */
export interface Presses {
  /** A press begins: what holds now still holds, whatever the press itself does to the page. */
  begin(): unknown;
  press(): void;
  snooze(): void;
  moreTime(): void;
  dismiss(): void;
}

export interface Prompt {
  /** True when the user now sees the notice itself, as opposed to how it fares. `undefined` removes the card. */
  show(facts: Facts | undefined): boolean;
}

/** The options that the prompt heeds. */
export interface PromptOptions {
  text?: Text;
  /** A language tag. Default: the page's, then the browser's. */
  locale?: string;
  /** `false`: the ladder doesn't load this part at all. */
  prompt?: false | CustomPrompt;
}

/** What `prompt.mjs` exports. */
export interface PromptModule {
  /** Waits for the words of the page's language. */
  start(options: PromptOptions, presses: Presses): Prompt | Promise<Prompt>;
}
