import type { Notice, Release } from "./wire.js";

/** Words of the prompt; `{…}` are filled in. A notice's own `text` goes before these, English comes after. */
export interface Text {
  title?: string;
  body?: string;
  action?: string;
  later?: string;
  more_time?: string;
  /** Instead of title and body when the severity is `security`. */
  security_title?: string;
  security_body?: string;
  security_countdown_body?: string;
  /** `{reason}` */
  reason?: string;
  /** Said to screen readers; `{time}` */
  countdown?: string;
  countdown_title?: string;
  countdown_body?: string;
  /** `{holds}`, `{time}` */
  held?: string;
  anyway?: string;
  looking?: string;
  unavailable?: string;
  failed_title?: string;
  failed?: string;
  close?: string;
  /** `{n}` */
  minutes?: string;
  minute?: string;
  seconds?: string;
}

/** Where a refresh goes. */
export interface Target extends Release {
  notice: number | null;
}

export interface Options {
  /** The Freshwire server. The script tag and freshwire.mjs know it from their own address. */
  url?: string;
  app: string;
  /** Default: what `<meta name="freshwire-build">` says. */
  build?: string;
  version?: string;
  /** At most 8, of at most 64 bytes a name and a value. */
  labels?: Record<string, string>;
  /** Asked anew before every connection when it is a function. */
  token?: string | (() => string | null | Promise<string | null>);
  text?: Text;
  /** `false`: show nothing; the app shows `status.notice` itself and calls `refresh()`. */
  prompt?: false;
  /** Called instead of `location.reload()`, e.g. by a native shell. */
  refresh?: (target: Target) => Promise<void> | void;
  /** `"none"` keeps nothing in the browser; the page then reloads by itself at most once. */
  storage?: "none";
}

/** What the server says of this page, and how the line to it is. */
export interface Status {
  readonly standing: "current" | "stale" | "unsupported" | "ahead" | "unknown";
  readonly why: string | null;
  readonly current: Release | null;
  readonly connection: "connecting" | "open" | "waiting" | "closed";
  readonly notice: Notice | null;
}

export interface Events {
  status: Status;
  notice: Notice | null;
  refresh: Target;
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
  /** Refreshes as if the user had asked for it: looks first, never loops. */
  refresh(): void;
  /** The user wants to be asked later. */
  snooze(): void;
  /** Ends this page's session; `connect` may begin another. */
  close(): void;
}
