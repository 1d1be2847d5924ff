/** The page's path, moved by `history.pushState`: all the routing that a shop of two pages needs. */

import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();

function subscribe(listener: () => void) {
  listeners.add(listener);
  addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("popstate", listener);
  };
}

export const usePath = () =>
  useSyncExternalStore(
    subscribe,
    () => location.pathname,
    () => "/",
  );

export function go(path: string) {
  history.pushState(null, "", path);
  for (const listener of listeners) listener();
}
