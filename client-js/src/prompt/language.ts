/** Which language the prompt speaks, and where its words come from. */

import { words, type Locale, type Words } from "./text.js";
import type { PromptOptions } from "./seam.js";

const ENGLISH = "en";

/** Each but English in a file of its own. */
export const TAGS = "en ar de es fr he it ja ko nl pl pt-BR ru tr uk zh-Hans zh-Hant".split(" ");

/** Words that take longer than this don't keep the prompt waiting. */
const WAIT_MS = 3_000;

/** Language and script: of `zh-TW` and `zh-Hant` the same. */
const kind = (tag: string) => {
  const { language, script } = new Intl.Locale(tag).maximize();
  return language + script;
};

/** The first of the wanted tags that there are words for. */
export function pick(wanted: readonly (string | undefined)[]): string {
  for (const tag of wanted) {
    try {
      const found = TAGS.find((has) => kind(has) == kind(tag!));
      if (found) return found;
    } catch {
      // None given, or not a language tag.
    }
  }
  return ENGLISH;
}

/** None for English, and when they can't be had. */
export function load(tag: string): Promise<Locale | void> | undefined {
  if (tag == ENGLISH) return;
  const url = new URL(/* @vite-ignore */ `locale/${tag}.mjs`, import.meta.url).href;
  return Promise.race([
    import(/* @vite-ignore */ url).then(
      (module: { default: Locale }) => module.default,
      () => {},
    ),
    new Promise<void>((resolve) => setTimeout(resolve, WAIT_MS)),
  ]);
}

/** The app's words over those of the language that it, the page or the browser wants. */
export async function speak({ locale, text }: PromptOptions): Promise<Words> {
  const tag = pick([locale, document.documentElement.lang, ...navigator.languages]);
  const found = await load(tag);
  // An app that brings words may bring them in a language that isn't ours.
  const lang = (text && locale) || (found ? tag : ENGLISH);
  return words(text, lang, found || undefined);
}
