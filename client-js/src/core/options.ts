import type { Text } from "../prompt/text.js";
import type { View } from "../prompt/view.js";
import type { EvidenceKind, Notice, Release } from "./wire.js";

export type { Text, View };

/** Where a refresh goes. */
export interface Target extends Release {
  notice: number | null;
}

export interface Options {
  /**
   * The Freshwire server. The script tag and freshwire.mjs know it from their own address. `false`: connects to nothing
   * and says nothing, for an app's own tests.
   */
  url?: string | false;
  app: string;
  /** Default: what `<meta name="freshwire-build">` says. */
  build?: string;
  version?: string;
  /** At most 8, of at most 64 bytes a name and a value. */
  labels?: Record<string, string>;
  /** Asked anew before every connection when it is a function. */
  token?: string | (() => string | null | Promise<string | null>);
  /** Of the prompt's words. Default: the document's language, then the user's. */
  locale?: string;
  /** The app's own words; an operator's go before these. */
  text?: Text;
  /**
   * `false`: show nothing; the app shows `status.notice` itself and calls `refresh()`. A function is shown what the
   * card would be, each time it changes, and `null` when there is nothing to show.
   */
  prompt?: false | CustomPrompt;
  /** Called instead of `location.reload()`, e.g. by a native shell. */
  refresh?: (target: Target) => Promise<void> | void;
  /** `"none"` keeps nothing in the browser; the page then reloads by itself at most once. */
  storage?: "none";
  /** Nobody looks at this page (a kiosk, a wall): asks nobody, and refreshes as soon as nothing holds it. */
  unattended?: boolean;
  /** Whether there is unsaved work that Freshwire can't see for itself. */
  isDirty?: () => boolean;
  /** How long input that nobody goes on with counts as unsaved: `"30m"`, `"8h"`, or milliseconds. Default: 8 hours. */
  ages?: string | number;
  /** `"wrap"`: requests that change something, calls, recordings and all sound are watched, and waited for. */
  busy?: "wrap";
  /**
   * Where the build of the document at an address is to be read, if not in that document: an address (of a
   * `freshwire.json`, say), or a function that gives one.
   */
  look?: string | ((address: string) => string);
  /** Lets `?freshwire=preview` show every state of the prompt, in every language and theme. */
  preview?: boolean;
}

export type CustomPrompt = (view: View | null) => void;

/** Belongs to a kept state: another version or owner doesn't get it. */
export interface KeepOptions {
  version?: string | number;
  owner?: string;
}

/** What the server says of this page, and how the line to it is. */
export interface Status {
  readonly standing: "current" | "stale" | "unsupported" | "ahead" | "unknown";
  readonly why: string | null;
  readonly current: Release | null;
  readonly connection: "connecting" | "open" | "waiting" | "closed" | "polling";
  readonly notice: Notice | null;
}

export interface Events {
  status: Status;
  notice: Notice | null;
  refresh: Target;
  push: Push;
}

/** Data that an operator sent to every page of the app. */
export interface Push {
  push: number;
  topic: string;
  data: unknown;
}

/** One app's connection on this page. */
export interface Freshwire {
  readonly app: string;
  readonly build: string;
  readonly status: Status;
  /** Returns its own undo. */
  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void;
  /** "Not now": a refresh waits until released, up to the operator's cap. */
  hold(reason: string): () => void;
  /**
   * Carries state across the refresh: `save` is asked right before it (it may be async, for 1.5 s at most), `restore`
   * gets it on the new page, when `keep` is called there, within 30 min. Returns its own undo.
   */
  keep<T>(
    name: string,
    save: () => T | Promise<T>,
    restore: (state: T) => unknown,
    options?: KeepOptions,
  ): () => void;
  /** What looked dirty is safe. */
  saved(): void;
  /** Something hints that this page is too old: the server is asked, and the page moved if it says so. */
  evidence(kind: EvidenceKind, detail?: unknown): boolean;
  /**
   * What a router or an error boundary has caught, whatever it is: such a sign if it, or what caused it, is about a chunk
   * or a server function that is gone; anything else is ignored. Gives whether it was one, and never throws.
   */
  evidence(caught: unknown): boolean;
  /** Refreshes as if the user had asked for it: looks first, never loops. */
  refresh(): void;
  /** The user wants to be asked later. */
  snooze(): void;
  /** Ends this page's session; `connect` may begin another. */
  close(): void;
}
