/** What the user is about: whether a navigation is theirs, and where they want to go. */

import type { Host } from "../core/part.js";

/** As long as browsers take an act of the user's for the cause of what follows. */
const ACT_MS = 5_000;

interface NavigationLike extends EventTarget {
  currentEntry?: { getState(): unknown };
}

export interface Navigation {
  /** The link that the user has just followed, if any. */
  destination(): string | undefined;
}

/** `pushed`: the user has moved to another path within the app. `acted`: the user does something. */
export function navigation({ on }: Host, acted: () => void, pushed: () => void): Navigation {
  let actedAt = 0;
  let submittedAt = 0;
  let link: HTMLAnchorElement | null | undefined;
  const just = (at: number) => Date.now() - at < ACT_MS;

  const act = (event: Event) => {
    if (!event.isTrusted) return;
    actedAt = Date.now();
    link = (event.composedPath()[0] as Element).closest?.("a[href]") as HTMLAnchorElement | null;
    acted();
  };
  on(window, "pointerdown", act);
  on(window, "keydown", act);
  // What a form sends may still be on its way.
  on(window, "submit", () => (submittedAt = Date.now()));

  const path = (address: string) => address.replace(/[?#].*/s, "");
  const api = (window as never as { navigation?: NavigationLike }).navigation;
  /** `{ freshwire: "stay" }` in the new entry's state: the app would lose something by a load. */
  const stays = (state: unknown) => (state as { freshwire?: string } | null)?.freshwire == "stay";

  const entered = (from: string) => {
    if (path(from) == path(location.href) || !just(actedAt) || just(submittedAt)) return;
    if (!stays(history.state) && !stays(api?.currentEntry?.getState())) pushed();
  };

  if (api) {
    on(api, "currententrychange", (event) => {
      const { navigationType, from } = event as Event & { navigationType: string; from: { url: string } };
      if (navigationType == "push") entered(from.url);
    });
  } else {
    const push = history.pushState;
    history.pushState = function (...entry) {
      const from = location.href;
      push.apply(this, entry);
      entered(from);
    };
  }
  return {
    destination: () => (just(actedAt) && link?.origin == location.origin ? link.href : undefined),
  };
}
