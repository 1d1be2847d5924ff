// One script, which a page of any site can load.

import { defineConfig } from "vite";

export default defineConfig({
  build: {
    rollupOptions: { input: "src/main.tsx", output: { entryFileNames: "dialogs.js", codeSplitting: false } },
  },
});
