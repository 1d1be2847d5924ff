import { vi } from "vitest";

/** Waits until something holds, for as long as a busy machine may need. */
export function eventually<T>(look: () => T) {
  return vi.waitUntil(look, { timeout: 20_000, interval: 10 });
}
