// One release of the shop, as the environment says: FRESHWIRE_BUILD (read by the plugin), FRESHWIRE_URL, APP, VERSION,
// LABEL (in the script alone) and ACCENT (in the style sheet alone).

import { freshwire } from "freshwire/vite";
import { defineConfig } from "vite";

const {
  APP = "shop",
  FRESHWIRE_URL = "http://127.0.0.1:3774",
  VERSION,
  LABEL = "Spring",
  ACCENT = "#2f6b52",
} = process.env;

const accent = {
  name: "accent",
  enforce: "pre",
  transform: (code, id) => (id.endsWith("/accent.css") ? code.replace("tomato", ACCENT) : undefined),
};

export default defineConfig({
  plugins: [accent, freshwire({ app: APP, url: FRESHWIRE_URL, version: VERSION, script: false })],
  define: {
    __APP__: JSON.stringify(APP),
    __FRESHWIRE_URL__: JSON.stringify(FRESHWIRE_URL),
    __LABEL__: JSON.stringify(LABEL),
  },
  // The package is a link to its sources here, which have a React of their own.
  resolve: { dedupe: ["react", "react-dom"] },
});
