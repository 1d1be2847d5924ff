/** The built-in card in an app's own bundle, for an app that decides itself what is shown, or changes the words first. */

import type { CustomPrompt } from "./core/options.js";
import { card, type Card } from "./prompt/card.js";

export type { CustomPrompt } from "./core/options.js";
export type { Button, View } from "./prompt/view.js";

/** A card of its own for each app on a page that has several. */
export function makePrompt(): CustomPrompt {
  let made: Card | undefined;
  return (view) => (made ??= card()).show(view);
}

/** For `connect({ prompt })`. */
export const prompt: CustomPrompt = /* @__PURE__ */ makePrompt();
