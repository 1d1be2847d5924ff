/** The tabs of one browser: one of those in view shows the prompt, and what the user says to it is said to all. */

import type { Host } from "../core/part.js";
import type { Rank } from "./ladder.js";

export interface Snooze extends Rank {
  until: number;
}

/** What tabs say to each other. */
export interface Message {
  snooze?: Snooze;
  /** The user has asked for a refresh to this build. */
  refresh?: string;
  /** A worker that all tabs have is about to be renewed: each saves what it keeps, and says whether it holds. */
  renew?: boolean;
  /** To that: at once, and again when all is saved. */
  holds?: boolean;
  saved?: boolean;
}

/** Saving has 1.5 s; a hidden tab may take a little to hear of it. */
const THERE = ":there";
const SAVED_MS = 2_500;

export interface Tabs {
  /** Whether this tab is the one to show what it has to show. `wants`: it has something. */
  leads(wants: boolean): boolean;
  say(message: Message): void;
  snoozed(): Snooze | undefined;
  /** Has all others save what they keep. Whether one of them holds. */
  othersHold(): Promise<boolean>;
}

/** `save` saves what this tab keeps; `holds`: whether it holds. */
export function tabs(
  { options, on }: Host,
  changed: () => void,
  heard: (message: Message) => void,
  save: () => Promise<unknown>,
  holds: () => boolean,
): Tabs {
  const name = `freshwire:${options.app}`;
  const key = name + ":snooze";
  let channel: BroadcastChannel | undefined;
  let wanted = false;
  let asking = false;
  let asked = 0;
  let leading = false;
  let letGo: (() => void) | undefined;
  let leave: (() => void) | undefined;
  /** Without locks nobody can be agreed with. */
  let alone = true;
  try {
    alone = !navigator.locks;
  } catch {
    // Forbidden, as all that is stored may be.
  }
  /** Also when nothing may be stored. */
  let memory: Snooze | undefined;

  /** What the others answer to a question of ours. */
  let answered: ((message: Message) => void) | undefined;

  const open = () => {
    try {
      channel ??= new BroadcastChannel(name);
      channel.onmessage = ({ data }) => {
        const message = data as Message;
        memory = message.snooze ?? memory;
        if (message.renew) {
          channel?.postMessage({ holds: holds() });
          void save().then(() => channel?.postMessage({ saved: true }));
        } else if (message.holds != null || message.saved) answered?.(message);
        else heard(message);
      };
    } catch {
      // Where nothing may be stored, tabs may not speak to one another.
    }
  };

  const ask = (steal: boolean) => {
    // A later request may take the lock from an earlier one of this very tab, which then counts no more.
    const mine = ++asked;
    let granted = false;
    asking = true;
    void (async () =>
      navigator.locks.request(name, { steal }, () => {
        granted = true;
        if (!wanted || mine != asked) return;
        const led = new Promise<void>((done) => (letGo = done));
        leading = true;
        changed();
        return led;
      }))()
      // Another window, which the user has turned to, took it; or else locks are forbidden here.
      .catch(() => (alone ||= mine == asked && !granted))
      .then(() => {
        if (mine != asked) return;
        asking = leading = false;
        if (wanted) changed();
      });
  };

  const leads = (wants: boolean) => {
    wanted = wants && !document.hidden;
    if (wants) open();
    if (!wanted) {
      leading = false;
      letGo?.();
    } else if (alone) return true;
    else if (!asking) ask(false);
    return leading;
  };

  on(window, "focus", () => {
    if (wanted && !leading && !alone) ask(true);
  });
  // A page that holds a lock or a channel would not be kept for the way back.
  on(window, "pagehide", () => {
    leads(false);
    leave?.();
    channel?.close();
    channel = undefined;
  });
  // A worker is everybody's: who renews it asks those that are there, by this lock.
  const listen = () => {
    try {
      if (!navigator.serviceWorker?.controller) return;
      open();
      void navigator.locks
        .request(name + THERE, { mode: "shared" }, () => new Promise<void>((done) => (leave = done)))
        .catch(() => {});
    } catch {
      // Forbidden.
    }
  };
  on(window, "pageshow", (event) => (event as PageTransitionEvent).persisted && listen());
  listen();

  return {
    leads,
    say(message) {
      memory = message.snooze ?? memory;
      channel?.postMessage(message);
      if (!message.snooze || options.storage == "none") return;
      try {
        localStorage.setItem(key, JSON.stringify(memory));
      } catch {
        // The channel has told those that are open.
      }
    },
    async othersHold() {
      let held = false;
      try {
        const locks = (await navigator.locks.query()).held!;
        // One is this tab's own.
        let others = locks.filter((lock) => lock.name == name + THERE).length - 1;
        if (others < 1) return false;
        await new Promise<void>((done) => {
          answered = ({ holds, saved }) => {
            held ||= !!holds;
            if (held || (saved && !--others)) done();
          };
          setTimeout(done, SAVED_MS);
          channel!.postMessage({ renew: true });
        });
      } catch {
        // Nobody can be asked.
      }
      answered = undefined;
      return held;
    },
    snoozed() {
      try {
        return memory ?? (JSON.parse(localStorage.getItem(key)!) as Snooze | null) ?? undefined;
      } catch {
        return memory;
      }
    },
  };
}
