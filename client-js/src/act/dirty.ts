/**
 * Forms with unsaved input hold a refresh like any other hold. Learned from what the user does, not from values:
 * a controlled input of React always equals its default.
 */

import type { Host } from "../core/part.js";
import { UNSAVED } from "../prompt/seam.js";

const IGNORED = "[type=search],[role=search],[data-freshwire-ignore]";

export interface Dirty {
  /** Forgets what has left the document. */
  review(): void;
  saved(): void;
}

export function dirtyForms({ on, hold }: Host): Dirty {
  const touched = new Set<Element>();
  let release: (() => void) | undefined;
  let held = false;

  const review = () => {
    for (const element of touched) if (!element.isConnected) touched.delete(element);
    if (held == touched.size > 0) return;
    held = !held;
    if (held) {
      release = hold(UNSAVED);
      removals.observe(document, { childList: true, subtree: true });
    } else {
      removals.disconnect();
      release?.();
    }
  };
  // A form that is taken away is done with, whether or not focus goes on from there.
  const removals = new MutationObserver(() => review());
  const forget = ({ target }: Event) => {
    for (const element of touched) {
      if ((element as HTMLInputElement).form == target || (target as Element).contains(element))
        touched.delete(element);
    }
    review();
  };

  on(document, "input", (event) => {
    const [element] = event.composedPath() as Element[];
    if (!event.isTrusted || element!.closest?.(IGNORED)) return;
    touched.add(element!);
    review();
  });
  on(document, "submit", forget);
  on(document, "reset", forget);
  return {
    review,
    saved() {
      touched.clear();
      review();
    },
  };
}
