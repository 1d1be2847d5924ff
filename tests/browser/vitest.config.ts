import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig } from "vitest/config";

/** These wait for minutes that can't be hurried, so they start first. */
const LONG = /a-hold|an-origin/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const long = (file: TestSpecification) => Number(LONG.test(file.moduleId));
    return [...files].sort((a, b) => long(b) - long(a) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

// Each file has a browser and a server of its own. The limits are for a busy machine; nothing is expected to take them.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    maxWorkers: 3,
    // Files share nothing but what they import.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ["verbose"],
  },
});
