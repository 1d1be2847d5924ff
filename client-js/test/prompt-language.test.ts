// @vitest-environment node
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { pick, TAGS } from "../src/prompt/language.js";
import type { PromptModule, PromptOptions } from "../src/prompt/seam.js";
import { ENGLISH, words } from "../src/prompt/text.js";
import type { View } from "../src/prompt/view.js";
import { counting, facts, presses } from "./prompt-facts.js";

const source = fileURLToPath(new URL("../src/prompt/", import.meta.url));
const files = (await readdir(join(source, "locale"))).map((name) => name.replace(".ts", "")).sort();

describe("the language", () => {
  test.each([
    [["de"], "de"],
    [["de-AT"], "de"],
    [["pt"], "pt-BR"],
    [["pt-PT"], "pt-BR"],
    [["zh"], "zh-Hans"],
    [["zh-CN"], "zh-Hans"],
    [["zh-TW"], "zh-Hant"],
    [["zh-HK"], "zh-Hant"],
    [["zh-Hant"], "zh-Hant"],
    [["iw"], "he"],
    [["en-GB", "de"], "en"],
    [[undefined, "", "x", "de_DE", "sv", "fr-CA", "de"], "fr"],
    [["tlh"], "en"],
    [[], "en"],
  ])("of %j is %s", (wanted, tag) => expect(pick(wanted)).toBe(tag));

  test("has its words for every tag", () => expect([...files, "en"].sort()).toEqual([...TAGS].sort()));
});

describe.each(files)("%s", (tag) => {
  test("has all words, with English's placeholders and no others", async () => {
    const { default: locale } = (await import(`../src/prompt/locale/${tag}.ts`)) as { default: string };
    const lines = locale.split("\n");
    expect(lines).toHaveLength(Object.keys(ENGLISH).length + 1);
    const text = words({}, tag, locale);
    const placeholders = (of: string) => [...of.matchAll(/\{.*?\}/g)].map(String).sort();
    for (const key of Object.keys(ENGLISH) as (keyof typeof ENGLISH)[]) {
      expect(text[key].trim(), key).not.toBe("");
      expect(placeholders(text[key]), key).toEqual(placeholders(ENGLISH[key]));
      expect(text[key].trim(), key).toBe(text[key]);
      if (key != "later") expect(text[key], key).not.toBe(ENGLISH[key]);
    }
  });
});

describe("what is served", () => {
  let folder: string;
  let seen: View | null;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "freshwire-prompt-"));
    await build({
      entryPoints: { prompt: join(source, "index.ts"), "locale/de": join(source, "locale/de.ts") },
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      format: "esm",
    });
    await writeFile(join(folder, "locale/fr.mjs"), "throw new Error('broken')");
    await writeFile(join(folder, "locale/it.mjs"), "await new Promise(() => {})");
  });
  afterAll(() => rm(folder, { recursive: true }));

  beforeEach(() => {
    vi.unstubAllGlobals();
    page("", "en-GB");
  });

  const page = (lang: string, ...languages: string[]) => {
    vi.stubGlobal("document", { documentElement: { lang } });
    vi.stubGlobal("navigator", { languages });
  };
  const start = async (options: PromptOptions = {}) => {
    const { start } = (await import(
      /* @vite-ignore */ pathToFileURL(join(folder, "prompt.mjs")).href
    )) as PromptModule;
    return start({ prompt: (view) => (seen = view), ...options }, presses());
  };
  const title = async (options?: PromptOptions) => {
    (await start(options)).show(facts());
    return [seen?.lang, seen?.title];
  };

  test("speaks the option's language, else the page's, else the browser's", async () => {
    expect(await title()).toEqual(["en", ENGLISH.title]);
    expect(await title({ locale: "de" })).toEqual(["de", "Neue Version verfügbar"]);
    page("de-CH", "fr");
    expect(await title()).toEqual(["de", "Neue Version verfügbar"]);
    page("sv", "sv-SE", "de");
    expect(await title()).toEqual(["de", "Neue Version verfügbar"]);
  });

  test("says times in that language", async () => {
    (await start({ locale: "de" })).show(counting(300_000));
    expect(seen?.announce).toMatch(/5 Minuten\.$/);
  });

  test("speaks English when the words are broken or aren't there", async () => {
    expect(await title({ locale: "fr" })).toEqual(["en", ENGLISH.title]);
    expect(await title({ locale: "es" })).toEqual(["en", ENGLISH.title]);
  });

  test("doesn't wait long for words that don't come", async () => {
    vi.useFakeTimers();
    try {
      const late = title({ locale: "it" });
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), { timeout: 20_000 });
      vi.advanceTimersByTime(3_000);
      expect(await late).toEqual(["en", ENGLISH.title]);
    } finally {
      vi.useRealTimers();
    }
  });

  test("takes the app's words over its own, in a language that isn't ours too", async () => {
    expect(await title({ locale: "de", text: { title: "Neu!" } })).toEqual(["de", "Neu!"]);
    expect(await title({ locale: "fa", text: { title: "نسخهٔ تازه" } })).toEqual(["fa", "نسخهٔ تازه"]);
  });
});
