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
}

export interface Tabs {
  /** Whether this tab is the one to show what it has to show. `wants`: it has something. */
  leads(wants: boolean): boolean;
  say(message: Message): void;
  snoozed(): Snooze | undefined;
}

export function tabs({ options, on }: Host, changed: () => void, heard: (message: Message) => void): Tabs {
  const name = `freshwire:${options.app}`;
  const key = name + ":snooze";
  let channel: BroadcastChannel | undefined;
  let wanted = false;
  let asking = false;
  let asked = 0;
  let leading = false;
  let letGo: (() => void) | undefined;
  /** Without locks nobody can be agreed with. */
  let alone = !navigator.locks;
  /** Also when nothing may be stored. */
  let memory: Snooze | undefined;

  const ask = (steal: boolean) => {
    // A later request may take the lock from an earlier one of this very tab, which then counts no more.
    const mine = ++asked;
    let granted = false;
    asking = true;
    navigator.locks
      .request(name, { steal }, () => {
        granted = true;
        if (!wanted || mine != asked) return;
        const led = new Promise<void>((done) => (letGo = done));
        leading = true;
        changed();
        return led;
      })
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
    if (wants && !channel) {
      channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }) => {
        memory = (data as Message).snooze ?? memory;
        heard(data as Message);
      };
    }
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
    channel?.close();
    channel = undefined;
  });

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
    snoozed() {
      try {
        return memory ?? (JSON.parse(localStorage.getItem(key)!) as Snooze | null) ?? undefined;
      } catch {
        return memory;
      }
    },
  };
}
