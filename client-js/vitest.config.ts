import { defineConfig } from "vitest/config";

export default defineConfig({
  define: { __CLIENT__: JSON.stringify("freshwire/test"), __PART__: JSON.stringify("0123456789abcdef") },
  test: { include: ["test/**/*.test.ts"], restoreMocks: true, testTimeout: 30_000 },
});
