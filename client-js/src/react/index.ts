/** Hooks for React 18 and later. */

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { Freshwire, KeepOptions, Options, Status } from "../core/options.js";
import { connect } from "../index.js";
import { NOT_CONNECTED } from "../inert.js";
import { isUpdated } from "../store.js";

export interface UseFreshwire {
  readonly fresh: Freshwire;
  readonly status: Status;
  /** Whether there is another build that this page should be on. */
  readonly updated: boolean;
}

/** Before the first paint; on a server, where there is none, React 18 would complain. */
const useEarlyEffect = typeof document == "undefined" ? useEffect : useLayoutEffect;

const notConnected = () => NOT_CONNECTED;

/**
 * Connects this page and follows its status. Only `options.app` is looked at anew: an app is connected once, by whoever
 * comes first, and stays so for as long as the page does, not the component.
 */
export function useFreshwire(options: Options): UseFreshwire {
  const fresh = useMemo(() => connect(options), [options.app]);
  const subscribe = useCallback((changed: () => void) => fresh.on("status", changed), [fresh]);
  const status = useSyncExternalStore(subscribe, () => fresh.status, notConnected);
  return useMemo(() => ({ fresh, status, updated: isUpdated(status) }), [fresh, status]);
}

/** "Not now", for as long as `active` and the component is there: a refresh waits, up to the operator's cap. */
export function useHold(fresh: Freshwire, reason: string, active = true): void {
  useEffect(() => (active ? fresh.hold(reason) : undefined), [fresh, reason, active]);
}

/** Carries a piece of state across the refresh: saved right before it, given to `setState` on the new page. */
export function useKeep<T>(
  fresh: Freshwire,
  name: string,
  state: T,
  setState: (state: T) => void,
  { version, owner }: KeepOptions = {},
): void {
  const latest = useRef({ state, setState });
  useEarlyEffect(() => {
    latest.current = { state, setState };
  });
  useEarlyEffect(
    () =>
      fresh.keep<T>(
        name,
        () => latest.current.state,
        (restored) => latest.current.setState(restored),
        { version, owner },
      ),
    [fresh, name, version, owner],
  );
}
