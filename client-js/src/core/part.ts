/** The seam between what is always loaded and what is loaded when there is something to do. */

import type { Store } from "./storage.js";
import type { Events, Options, Status } from "./options.js";
import type { Outcome, PageFrame, ServerFrame } from "./wire.js";

/** What the core lends to the part. */
export interface Host {
  readonly options: Options;
  readonly build: string;
  readonly embedded: boolean;
  readonly store: Store;
  status(): Status;
  holds(): string[];
  send(frame: PageFrame): boolean;
  /** Reports an outcome of the notice in effect, and remembers it as seen. */
  report(is: Outcome, detail?: string): void;
  emit<E extends keyof Events>(event: E, value: Events[E]): void;
  /** Whether the page is about to leave for a refresh; decides the close code. */
  leaving(yes: boolean): void;
}

/** What the part does for the core. */
export interface Part {
  /** Status or holds have changed. */
  update(): void;
  /** A frame that the core has no use for. */
  frame(frame: ServerFrame): void;
  refresh(): void;
  snooze(): void;
}

export interface PartModule {
  start(host: Host): Part;
}
