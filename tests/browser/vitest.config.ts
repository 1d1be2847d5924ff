import { defineConfig } from "vitest/config";

// Each file has a browser and a server of its own. The limits are for a busy machine; nothing is expected to take them.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    reporters: ["verbose"],
  },
});
