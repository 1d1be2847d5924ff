/** The seam between what is always loaded and what is loaded when the page is idle. */

import type { Connection } from "./connection.js";
import type { Keeps } from "./keep.js";
import type { Events, Options, Status } from "./options.js";
import type { Sight } from "./seen.js";
import type { Store } from "./storage.js";
import type { After, EvidenceKind, Hello, Notice, PageFrame, ServerFrame } from "./wire.js";

/** What this page is, to the server. */
export interface Me {
  build: string;
  version: string | undefined;
  /** The refresh that it came by. */
  after: After | undefined;
}

/** What outlives this document, written on pagehide only: a duplicated tab must inherit none of it. */
export interface Memory {
  build?: string;
  session?: string;
  resume?: string;
  via?: string;
  /** The latest push that it was given. */
  pushed?: number;
  seen: Sight[];
  notice?: Notice | null;
}

/** What the core lends to the part. */
export interface Host {
  readonly options: Options;
  /** The server's address, without a slash at the end. */
  readonly base: string;
  readonly me: Me;
  readonly memory: Memory;
  readonly embedded: boolean;
  /** In a frame: the build of the same-origin page around it, if it has one. */
  readonly around: string | undefined;
  readonly store: Store;
  readonly keeps: Keeps;
  /** Evidence that hasn't been acted on yet. */
  readonly signs: { kind: EvidenceKind; detail: string }[];
  sign(kind: EvidenceKind, detail: string): void;
  readonly line: Connection;
  status(): Status;
  set(change: Partial<Status>): void;
  holds(): string[];
  hold(reason: string): () => void;
  /** Over the socket, or else by the next poll. */
  send(frame: PageFrame): void;
  hello(token?: string): Hello;
  token(): unknown;
  /** A frame that came by another way than the socket. */
  hear(frame: ServerFrame): void;
  /** Whether its listeners took it; undefined: there is none. */
  emit<E extends keyof Events>(event: E, value: Events[E]): boolean | undefined;
  /** Whether the page is about to leave for a refresh; decides the close code. */
  refreshing(yes: boolean): void;
  /** The line is kept by polling, until a socket opens. */
  polling(): void;
  /** Calls the listener until the page's session ends. */
  on(target: EventTarget, event: string, listener: (event: Event) => void): void;
}

/** What the part does for the core. */
export interface Part {
  /** Status, holds or signs have changed. */
  update(): void;
  /** A frame that the core has no use for. */
  frame(frame: ServerFrame): void;
  /** A frame that the socket couldn't take. */
  post(frame: PageFrame): void;
  refresh(): void;
  snooze(): void;
  saved(): void;
}

export interface PartModule {
  start(host: Host): Part;
}
