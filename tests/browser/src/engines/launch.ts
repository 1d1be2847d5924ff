import type { Engine, EngineName } from "./engine.js";
import { chromium, firefox, firefoxWithoutNavigation } from "./puppet.js";
import { webkit } from "./webkit.js";

export const LAUNCH: Record<EngineName, () => Promise<Engine>> = {
  chromium,
  firefox,
  "firefox-without-navigation": firefoxWithoutNavigation,
  webkit,
};
