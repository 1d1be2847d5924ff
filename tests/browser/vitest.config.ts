import { defineConfig } from "vitest/config";

/** A folder for reports that machines read, too. */
const { TEST_REPORTS } = process.env;

// The limits are for a busy machine; nothing is expected to take them.
export default defineConfig({
  test: {
    include: ["behaviours/**/*.test.ts"],
    globalSetup: ["src/engines/look.ts"],
    // A file whose behaviours all run in Chromium has none for an engine that is asked for alone.
    passWithNoTests: !!process.env.ENGINES,
    // Most of the time they wait: for what must not happen, and for one another.
    maxWorkers: 3,
    // Files share the browsers of their worker.
    isolate: false,
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 30_000,
    reporters: TEST_REPORTS
      ? ["verbose", ["junit", { outputFile: `${TEST_REPORTS}/behaviours.xml` }]]
      : ["verbose"],
  },
});
