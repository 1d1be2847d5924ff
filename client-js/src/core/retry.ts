/** When to connect again after a socket has closed: a pure policy of the close code's range. */

const FIRST_MS = 2_000;
const CAP_MS = 30_000;
const STOP_MS = 600_000;
const UNKNOWN_APP_MS = 15_000;

/** 4004: the app may be about to be registered, so a young page asks sooner. */
const UNKNOWN_APP = 4004;
/** Given to the policy when a socket couldn't even be made (a blocked or malformed address). */
export const NO_SOCKET = 4000;

/** In how many ms; and whether that is the server's word: coming online or into view doesn't shorten it. */
export type Retry = [ms: number, firm: boolean];

/**
 * `attempt` counts from 0 since the last stable connection; `pageAge` and `told` (ms until the time the server named,
 * if it named one) are in milliseconds. Full jitter from the first retry on.
 */
export function retryAfter(code: number, attempt: number, pageAge: number, told?: number): Retry {
  if (code >= 4000 && code < 4100) {
    const soon = code == UNKNOWN_APP && pageAge < STOP_MS;
    return [(soon ? UNKNOWN_APP_MS : STOP_MS) * (1 + Math.random()), true];
  }
  if (told != null) return [Math.max(0, told), true];
  return [Math.random() * Math.min(CAP_MS, FIRST_MS * 2 ** attempt), false];
}
