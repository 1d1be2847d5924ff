/** The seam between the ladder and what moves the page, which is loaded when the page turns out to be old. */

import type { Target } from "../core/options.js";
import type { Host } from "../core/part.js";
import type { Notice, Outcome, PageFrame } from "../core/wire.js";
import type { RefreshState } from "../prompt/seam.js";

/** A document that isn't http(s), in a native shell perhaps, and an app that brings no refresh of its own. */
export const UNHANDLED = "unhandled";

/** How a refresh is to be made. */
export interface Way {
  /** By nobody's press: it waits for the back-off, and is counted by the hour. */
  automatic?: boolean;
  /** Nobody has been asked: it gives way to whatever stands against it. */
  quiet?: boolean;
  /** The look was taken before. */
  looked?: boolean;
  /** The page shows signs of being too old to go on: it goes now. */
  signed?: boolean;
  /** Where the user is going; else where they are. */
  to?: string;
  /** The user, or the operator's cap, has it so whatever holds. */
  anyway?: boolean;
}

/** What the ladder tells of itself. */
export interface Ladder {
  /** Where the page is to go, if it is. */
  target(): Target | undefined;
  /** Nothing would be lost by leaving now. */
  free(): boolean;
  /** The page is old, or shows signs of it: it may leave by anybody's doing. */
  old(): boolean;
  /** Has the browser's other tabs of this app save what they keep. Whether one of them holds. */
  othersHold(): Promise<boolean>;
  report(is: Outcome, detail?: string): void;
  /** Something that `Mover` shows is different now. */
  changed(): void;
}

export interface Mover {
  readonly state: RefreshState;
  /** Why it failed. */
  readonly failure: string | undefined;
  /** Does nothing while one is under way; a user's press doesn't wait for the back-off. */
  go(target: Target, way: Way): void;
  /** A new target: looks and loads ahead. */
  prepare(notice: Notice): void;
  /** Rejects when all is as it was before. */
  swap(pairs: NonNullable<Notice["swap"]>): Promise<void>;
  /** The page is in the middle of something, although nobody touches it. */
  busy(): boolean;
  /** Saves what the app keeps, for whatever document comes next. */
  save(): Promise<unknown>;
  /** The link that the user has just followed, if any. */
  destination(): string | undefined;
  /** The server's word on a build that was found. */
  better(build: string, better: boolean): void;
  /** Says again what stands in the way: to a notice that came after it was found. */
  sayAgain(): void;
  /** Another target, or none: whatever was found of the last one counts no longer. */
  reset(): void;
}

/** What `go.mjs` exports. */
export interface GoModule {
  start(host: Host, ladder: Ladder): Mover;
}

/** What `busy.mjs` exports. */
export interface BusyModule {
  /** Watches from now on. Returns whether something is under way. */
  wrap(): () => boolean;
}

export interface Poller {
  /** Begins or ends polling, as the socket has it. */
  update(): void;
  /** With the next poll, which is now. */
  post(frame: PageFrame): void;
}

/** So often in a row has a socket come to nothing before it is polled; a single failure may be a server that restarts. */
export const MOST_FAILURES = 2;

/** What `poll.mjs` exports. */
export interface PollModule {
  poller(host: Host): Poller;
}
