/** What the user is about: whether a navigation is theirs, and where they want to go. */

import type { Host } from "../core/part.js";

/** As long as browsers take an act of the user's for the cause of what follows. */
const ACT_MS = 5_000;

interface NavigationLike extends EventTarget {
  currentEntry?: { getState(): unknown };
}

/** So long over a link means that it may be followed. */
const DWELL_MS = 80;

export interface Navigation {
  /** The link that the user has just followed, if any. */
  destination(): string | undefined;
  /** When the user did something last. */
  actedAt(): number;
}

export interface Heard {
  /** The user does something that may lead to this address. */
  toward(address: string): void;
  /** The user has moved to another path within the app. */
  pushed(): void;
}

/** A view of the app, also where its router keeps the path in the hash. */
const view = (address: string) => {
  const { pathname, hash } = new URL(address, location.href);
  return pathname + (/^#[!/][^?]*/.exec(hash)?.[0] ?? "");
};

export function navigation({ on }: Host, { toward, pushed }: Heard): Navigation {
  let actedAt = 0;
  let submittedAt = 0;
  let link: HTMLAnchorElement | null | undefined;
  let dwelling: ReturnType<typeof setTimeout> | undefined;
  const just = (at: number) => Date.now() - at < ACT_MS;

  const linkOf = (event: Event) => {
    const found = (event.composedPath()[0] as Element).closest?.("a[href]") as HTMLAnchorElement | null;
    return found?.origin == location.origin ? found : null;
  };
  const act = (event: Event) => {
    // What is said to the card is no act within the app.
    const ours = event.composedPath().some((at) => (at as Element).hasAttribute?.("data-freshwire"));
    if (!event.isTrusted || ours) return;
    actedAt = Date.now();
    link = linkOf(event);
    toward(link?.href ?? location.href);
  };
  on(window, "pointerdown", act);
  on(window, "keydown", act);
  on(window, "pointerover", (event) => {
    clearTimeout(dwelling);
    const over = event.isTrusted && linkOf(event);
    if (over) dwelling = setTimeout(() => toward(over.href), DWELL_MS);
  });
  // What a form sends may still be on its way.
  on(window, "submit", () => (submittedAt = Date.now()));

  const api = (window as never as { navigation?: NavigationLike }).navigation;
  /** `{ freshwire: "stay" }` in the new entry's state: the app would lose something by a load. */
  const stays = (state: unknown) => (state as { freshwire?: string } | null)?.freshwire == "stay";

  const entered = (from: string) => {
    if (view(from) == view(location.href) || !just(actedAt) || just(submittedAt)) return;
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
    // A link whose hash is a path pushes an entry by itself; the way back is none that a load should cut off.
    on(window, "hashchange", (event) => {
      if (link?.href == location.href) entered((event as HashChangeEvent).oldURL);
    });
  }
  return {
    destination: () => (just(actedAt) ? link?.href : undefined),
    actedAt: () => actedAt,
  };
}
