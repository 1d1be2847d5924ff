import { defineConfig } from "vitest/config";

export default defineConfig({
  define: { __CLIENT__: JSON.stringify("freshwire/test"), __PART__: JSON.stringify("0123456789abcdef") },
  // The limits are for a busy machine; nothing is expected to take them.
  test: { include: ["test/**/*.test.ts"], restoreMocks: true, testTimeout: 60_000, hookTimeout: 120_000 },
});
