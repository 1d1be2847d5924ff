/** When to connect again after a socket has closed: a pure policy of the close code's range. */

const FIRST_MS = 2_000;
const CAP_MS = 30_000;
const STOP_MS = 600_000;
const UNKNOWN_APP_MS = 15_000;

/** 4004: the app may be about to be registered, so a young page asks sooner. */
const UNKNOWN_APP = 4004;
/** Given to the policy when a socket couldn't even be made (a blocked or malformed address). */
export const NO_SOCKET = 4000;

export interface Retry {
  ms: number;
  /** The time is the server's word: coming online or into view doesn't shorten it. */
  firm: boolean;
}

/**
 * `attempt` counts from 0 since the last stable connection; `pageAge` and `told` (ms until the time the server named,
 * if it named one) are in milliseconds. Full jitter from the first retry on.
 */
export function retryAfter(code: number, attempt: number, pageAge: number, told?: number): Retry {
  const range = Math.floor(code / 100);
  if (range == 40) {
    const soon = code == UNKNOWN_APP && pageAge < STOP_MS;
    return { ms: (soon ? UNKNOWN_APP_MS : STOP_MS) * (1 + Math.random()), firm: true };
  }
  if (range == 42 && told != null) return { ms: Math.max(0, told), firm: true };
  return { ms: Math.random() * Math.min(CAP_MS, FIRST_MS * 2 ** attempt), firm: false };
}
