/** The card in the document: takes no focus, announces itself, and stands where it can be reached. */

import { STYLE } from "./style.js";
import type { Button, View } from "./view.js";

/** A live region must be known to assistive technology before it speaks. */
const ANNOUNCE_AFTER_MS = 150;

/** Cards of several apps on one page stand above each other, the oldest lowest. */
const stack: HTMLElement[] = [];
const GAP_PX = 12;

const lift = (card: HTMLElement) => {
  let below = 0;
  for (const { offsetHeight } of stack.slice(0, stack.indexOf(card))) below += offsetHeight + GAP_PX;
  const margin = below ? `${below}px` : "";
  if (card.style.marginBlockEnd != margin) card.style.marginBlockEnd = margin;
};

export interface Card {
  /** Shows, changes, or with nothing removes the card. */
  show(view: View | undefined): void;
}

/** What lies above all else and takes clicks: beside an open modal dialog nothing else does. */
function mountPoint(): Element {
  const { fullscreenElement, activeElement, body } = document;
  let modals: Element[] = [];
  try {
    modals = [...document.querySelectorAll("dialog:modal")];
  } catch {
    // `:modal` is unknown to older browsers.
  }
  const modal = modals.filter((dialog) => dialog.contains(activeElement)).at(-1) ?? modals.at(-1);
  // Media and frames can't have children that show.
  const screen = fullscreenElement?.matches("video,audio,iframe,canvas,img") ? null : fullscreenElement;
  return modal ?? screen ?? body;
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, parent: Node) {
  const element = parent.appendChild(document.createElement(tag));
  element.className = className;
  return element;
}

function build() {
  const host = document.createElement("div");
  host.setAttribute("data-freshwire", "");
  const root = host.attachShadow({ mode: "open" });
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
  } catch {
    // Plain, but there.
  }
  const said = make("div", "said", root);
  said.setAttribute("role", "status");
  const card = make("section", "card", root);
  const head = make("div", "head", card);
  make("span", "dot", head).setAttribute("aria-hidden", "true");
  const title = make("h2", "", head);
  title.id = "title";
  card.setAttribute("aria-labelledby", "title");
  const time = make("span", "time", head);
  time.setAttribute("role", "timer");
  time.setAttribute("aria-live", "off");
  const body = make("p", "body", card);
  const note = make("p", "note", card);
  const row = make("div", "row", card);
  const primary = make("button", "primary", row);
  const secondary = make("button", "secondary", row);
  const bar = make("div", "bar", card);
  const fill = make("i", "", bar);
  for (const element of [title, body, note, primary, secondary]) element.dir = "auto";
  for (const element of [primary, secondary]) element.type = "button";
  return { host, root, said, card, title, time, body, note, row, primary, secondary, bar, fill };
}

export function card(): Card {
  let parts: ReturnType<typeof build> | undefined;
  let view: View | undefined;
  let announced = "";
  let announcing: ReturnType<typeof setTimeout> | undefined;

  const put = (element: HTMLElement, text: string) => {
    if (element.textContent != text) element.textContent = text;
    element.hidden = !text;
  };

  const offer = (element: HTMLButtonElement, button: Button | undefined) => {
    put(element, button?.label ?? "");
    // Not `disabled`: that would throw away the focus.
    element.setAttribute("aria-disabled", String(!!view?.busy));
  };

  const mount = ({ host, root }: NonNullable<typeof parts>) => {
    const place = mountPoint();
    if (host.parentNode == place) return;
    const focused = root.activeElement as HTMLElement | null;
    place.append(host);
    focused?.focus({ preventScroll: true });
  };

  const announce = (text: string) => {
    if (text == announced) return;
    announced = text;
    clearTimeout(announcing);
    announcing = setTimeout(() => {
      if (parts) parts.said.textContent = text;
    }, ANNOUNCE_AFTER_MS);
  };

  const create = () => {
    const made = build();
    stack.push(made.card);
    made.primary.onclick = () => view?.busy || view?.primary?.press();
    made.secondary.onclick = () => view?.busy || view?.secondary?.press();
    made.host.addEventListener("keydown", (event) => {
      if (event.key != "Escape" || !view?.escape) return;
      // Not also the app's dialog around it.
      event.preventDefault();
      event.stopPropagation();
      view.escape();
    });
    return made;
  };

  return {
    show(next) {
      view = next;
      if (!next) {
        if (parts) stack.splice(stack.indexOf(parts.card), 1);
        parts?.host.remove();
        parts = undefined;
        announced = "";
        return;
      }
      parts ??= create();
      mount(parts);
      const { card, title, time, body, note, row, primary, secondary, bar, fill } = parts;
      const rtl = getComputedStyle(parts.host.parentElement!).direction == "rtl";
      parts.host.dir = rtl ? "rtl" : "ltr";
      const counting = next.left != null;
      card.className = `card ${next.mood}${next.busy ? " busy" : ""}${counting ? " counting" : ""}${rtl ? " rtl" : ""}`;
      put(title, next.title);
      put(time, next.clock);
      put(body, next.body);
      put(note, next.note);
      offer(primary, next.primary);
      offer(secondary, next.secondary);
      row.hidden = !next.primary && !next.secondary;
      bar.hidden = !counting;
      if (counting) fill.style.transform = `scaleX(${next.left})`;
      lift(card);
      announce(next.announce);
    },
  };
}
