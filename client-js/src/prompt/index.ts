/** The prompt: facts to words to the card, or to the app's own prompt. */

import { card } from "./card.js";
import { speak } from "./language.js";
import type { Presses, Prompt, PromptOptions } from "./seam.js";
import { milestones, view } from "./view.js";

/** Picks and loads the language first. */
export async function start(options: PromptOptions, presses: Presses): Promise<Prompt> {
  const text = await speak(options);
  const say = milestones();
  const { show } = card();
  let put = options.prompt || show;
  let last = "null";
  return {
    show(facts) {
      const next = facts ? view(facts, text, presses, say) : null;
      const now = JSON.stringify(next);
      try {
        if (now != last) put(next);
      } catch (error) {
        console.warn("freshwire: options.prompt failed, so the card is shown:", error);
        put = show;
        show(next);
      }
      last = now;
      return !!next?.shows;
    },
  };
}
