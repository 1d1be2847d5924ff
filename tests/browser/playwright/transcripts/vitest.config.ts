import { defineConfig } from "vitest/config";

// Each story has a server and a page of its own; they are told one after the other, so that none waits for another.
export default defineConfig({
  test: {
    include: ["playwright/transcripts/**/*.record.ts"],
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    reporters: ["verbose"],
  },
});
