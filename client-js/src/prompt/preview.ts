/** A page over the page that shows every state of the prompt in every language and theme, without any server. */

import { plainBar } from "../act/bar.js";
import { card, type Card } from "./card.js";
import { load, pick, TAGS } from "./language.js";
import { STATES, type State } from "./preview-states.js";
import { PREVIEW_STYLE } from "./preview-style.js";
import type { Presses, PromptOptions } from "./seam.js";
import { STYLE } from "./style.js";
import { words, type Words } from "./text.js";
import { view } from "./view.js";

const DARK = /\(\s*prefers-color-scheme:\s*dark\s*\)/;
const THEMES: Record<string, string> = {
  auto: "(prefers-color-scheme:dark)",
  light: " not all",
  dark: " all",
};
const ALL = "All states";

function sheet(css: string): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, parent: Node, text = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  parent.appendChild(element);
  return element;
}

/** Lays itself over the page until it is closed. */
export function preview(options: PromptOptions = {}): void {
  // A modal dialog: the page beneath is out of reach, and the card finds its place as in any other.
  const dialog = make("dialog", document.body);
  dialog.setAttribute("aria-label", "Freshwire preview");
  dialog.style.cssText =
    "all:initial!important;position:fixed!important;inset:0!important;overflow:auto!important";
  const host = make("div", dialog);
  const root = host.attachShadow({ mode: "open" });

  const header = make("header", root);
  const heading = make("h1", header, "Freshwire preview");
  make("span", heading, "What your users see. Nothing here reaches a server.");
  const choice = (label: string, values: readonly (readonly [value: string, text: string])[]) => {
    const select = make("select", make("label", header, label));
    for (const [value, text] of values) make("option", select, text).value = value;
    select.onchange = () => void render();
    return select;
  };
  const same = (...values: string[]) => values.map((value) => [value, value] as const);
  const state = choice("State", same(ALL, ...STATES.map(({ name }) => name)));
  const language = choice(
    "Language",
    TAGS.map((tag) => [tag, new Intl.DisplayNames(tag, { type: "language" }).of(tag) ?? tag] as const),
  );
  const theme = choice("Theme", same(...Object.keys(THEMES)));
  const direction = choice("Direction", same("auto", "ltr", "rtl"));
  language.value = pick([options.locale, document.documentElement.lang, ...navigator.languages]);
  make("button", header, "Close").onclick = () => dialog.close();

  const main = make("main", root);
  const done = make("output", root);
  const presses: Presses = {
    begin() {},
    press: () => tell("refresh"),
    snooze: () => tell("ask again later"),
    moreTime: () => tell("extend the countdown"),
    dismiss: () => tell("put the card away"),
  };
  const tell = (what: string) => (done.value = `This would ${what}.`);

  /** Dressed with what the toolbar says, over what the card has set itself. */
  const dress = (element: HTMLElement, css: string) => {
    const card = element.shadowRoot!.querySelector(".card");
    if (card && theme.value != "auto") {
      card.classList.remove("auto", "dark");
      card.classList.add(theme.value);
    }
    element.shadowRoot!.adoptedStyleSheets = [sheet(css.replace(DARK, THEMES[theme.value]))];
    if (direction.value != "auto") element.dir = direction.value;
  };

  let single: Card | undefined;
  /** All states at once, each card in a place of its own. */
  const gallery = (text: Words) => {
    main.className = "cards";
    for (const { name, facts } of STATES) {
      const place = make("section", main);
      make("h2", place, name);
      if (facts) {
        card(() => place).show(view(facts(text), text, presses, (_, leftMs) => leftMs));
        const made = place.lastElementChild as HTMLElement;
        // Many at once would only be noise.
        made.shadowRoot!.querySelector("[role=status]")?.remove();
        dress(made, `${STYLE}:host{position:static!important;padding:0!important}.card{width:auto}`);
      } else {
        const made = bar(text);
        made.style.position = "static";
        place.append(made);
      }
    }
  };

  const bar = (text: Words) => {
    plainBar(text.title);
    return document.body.lastElementChild as HTMLElement;
  };

  /** One state where it would stand, above a page. */
  const alone = ({ facts }: State, text: Words) => {
    main.className = "page";
    for (let line = 0; line < 12; line++) make("i", main);
    if (!facts) return void dialog.append(bar(text));
    single = card();
    single.show(view(facts(text), text, presses, (_, leftMs) => leftMs));
    dress(dialog.lastElementChild as HTMLElement, STYLE);
  };

  const clear = () => {
    single?.show();
    plainBar(undefined);
    done.value = "";
    main.replaceChildren();
  };

  let turn = 0;
  const render = async () => {
    const mine = ++turn;
    const tag = language.value;
    const found = await load(tag);
    if (mine != turn || !dialog.open) return;
    clear();
    const text = words(options.text, tag, found || undefined);
    dress(host, PREVIEW_STYLE);
    host.dir = "ltr";
    const chosen = STATES.find(({ name }) => name == state.value);
    if (chosen) alone(chosen, text);
    else gallery(text);
  };

  dialog.onclose = () => {
    clear();
    dialog.remove();
  };
  dialog.showModal();
  void render();
}
