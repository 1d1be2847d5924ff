import { defineConfig } from "vitest/config";

// Every behaviour in every engine. The limits are for a busy machine; nothing is expected to take them.
export default defineConfig({
  test: {
    include: ["behaviours/**/*.test.ts"],
    // Most of the time they wait: for what must not happen, and for one another.
    maxWorkers: 4,
    // Files share the browsers of their worker.
    isolate: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    reporters: ["verbose"],
  },
});
