import { defineConfig } from "vitest/config";

// An absolute folder, where a run of all tests finds the report.
const reports = process.env.TEST_REPORTS;

export default defineConfig({
  define: { __CLIENT__: JSON.stringify("freshwire/test"), __PART__: JSON.stringify("0123456789abcdef") },
  // The limits are for a busy machine; nothing is expected to take them.
  test: {
    include: ["test/**/*.test.ts"],
    restoreMocks: true,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: reports ? ["default", ["junit", { outputFile: `${reports}/client.xml` }]] : ["default"],
  },
});
