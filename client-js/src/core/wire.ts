/** The frames of subprotocol `freshwire.v1`. Checked against the golden frames in fixtures/frames. */

export const SUBPROTOCOL = "freshwire.v1";

/** What the server thinks of the build that this page runs. */
export type Standing = "current" | "stale" | "unsupported" | "ahead" | "unknown";
/** What a notice asks of the page, from mild to strong. */
export type Action = "silent" | "navigate" | "prompt" | "countdown" | "force";
export type Severity = "silent" | "normal" | "important" | "security";
/** What the page reports back of a notice. */
export type Outcome =
  "received" | "shown" | "snoozed" | "held" | "refreshing" | "swapped" | "origin_stale" | "failed";

/** A sign of being old. */
export type EvidenceKind = "chunk_error" | "asset_404" | "api_426";

/** A release as frames name it. */
export interface Release {
  build: string;
  version?: string | null;
}

// ── page → server ────────────────────────────────────────────────────────────────────────────────

/** What the page is doing, as far as a refresh is concerned. */
export interface PageFacts {
  visible: boolean;
  frozen?: boolean;
  holds: string[];
}

/** What this page has already seen of a campaign; `ago_ms` counts from the receipt of that step. */
export interface Seen {
  notice: number;
  run: number;
  step: number;
  is: Outcome;
  ago_ms: number;
}

/** Set when this page was loaded by a refresh: which notice, from which build, the how manyeth try. */
export interface After {
  notice: number;
  from: string;
  tries: number;
}

export interface Hello {
  type: "hello";
  app: string;
  build: string;
  version?: string;
  client?: string;
  session?: string;
  resume?: string;
  via?: string;
  labels?: Record<string, string>;
  page?: PageFacts;
  frame?: "top" | "embedded";
  /** Of an embedded frame: the build of the page of the same origin around it. */
  host?: string;
  token?: string;
  seen?: Seen[];
  pushed?: number;
  after?: After;
}

export type PageFrame =
  | Hello
  | ({ type: "page" } & PageFacts)
  | { type: "outcome"; notice: number; is: Outcome; detail?: string }
  | { type: "outcome"; push: number; is: "handled" | "unhandled" | "failed"; detail?: string }
  | { type: "found"; build: string }
  | { type: "evidence"; kind: EvidenceKind; detail: string }
  | { type: "ping" }
  /** Only in a poll: the page leaves. */
  | { type: "bye"; code: number };

// ── server → page ────────────────────────────────────────────────────────────────────────────────

export interface Judgement {
  standing: Standing;
  why: string | null;
  current: Release | null;
}

/** One campaign's action as sent to this session. Absent fields mean none. */
export interface Notice {
  notice: number;
  /** The number of the campaign's start or last resume. */
  run: number;
  step: number;
  /** May be an action that this version doesn't know. */
  action: Action | (string & {});
  /** The build to move to. */
  build: string;
  version?: string | null;
  severity?: Severity;
  reason?: string;
  countdown_ms?: number;
  hold_cap_ms?: number;
  snooze_ms?: number;
  swap?: { from: string; to: string }[];
  preload?: string[];
  text?: { title?: string; body?: string; action?: string };
}

export type ServerFrame =
  | ({ type: "welcome"; session: string; resume: string; node: string } & Judgement)
  | ({ type: "standing" } & Judgement)
  | ({ type: "notice" } & Notice)
  | { type: "withdraw"; notice: number }
  | { type: "push"; push: number; topic: string; data: unknown }
  | { type: "reconnect"; in_ms: number }
  | { type: "better"; build: string; better: boolean }
  | { type: "pong" };

/** What a poll is answered with. */
export interface Polled {
  welcome: { session: string; resume: string; node: string } & Judgement;
  notice: Notice | null;
  pushes: { push: number; topic: string; data: unknown }[];
  frames: ServerFrame[];
  /** When to poll again, in seconds. */
  next_s: number;
}
