/** The card in the document: takes no focus, announces itself, and stands where it can be reached. */

import { mountPoint } from "./place.js";
import { STYLE } from "./style.js";
import type { Button, View } from "./view.js";

/** A live region must be known to assistive technology before it speaks. */
const ANNOUNCE_AFTER_MS = 150;
const GAP_PX = 12;
const RIGHT_TO_LEFT = /^(ar|fa|he|ps|ug|ur|yi)\b/;

/** Cards of several apps on one page stand above each other, the oldest lowest. */
const stack: HTMLElement[] = [];

const arrange = () => {
  let below = 0;
  for (const card of stack) {
    card.style.marginBottom = `${below}px`;
    below += card.offsetHeight + GAP_PX;
  }
};

export interface Card {
  /** Shows, changes, or with nothing removes the card. */
  show(view?: View | null): void;
}

/** Makes the card, empty and nowhere yet. Gives what shows, changes and removes it. */
function open(place?: () => Element) {
  let view: View | null | undefined;
  let announced = "";

  const make = <K extends keyof HTMLElementTagNameMap>(tag: K, parent: Node, className = "", role = "") => {
    const element = document.createElement(tag);
    parent.appendChild(element).className = className;
    if (role) element.setAttribute("role", role);
    return element;
  };
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
  const said = make("div", root, "said", "status");
  const card = make("section", root);
  const head = make("div", card, "head");
  make("span", head, "dot");
  const title = make("h2", head);
  title.id = "title";
  card.setAttribute("aria-labelledby", "title");
  const time = make("span", head, "time", "timer");
  const body = make("p", card, "body");
  const note = make("p", card, "note");
  const row = make("div", card, "row");
  const primary = make("button", row, "primary");
  const secondary = make("button", row, "secondary");
  const bar = make("div", card, "bar");
  const fill = make("i", bar);

  /** Puts the card where it can be reached, and back there when the page has thrown it out. */
  const mount = () => {
    if (!view) return;
    const target = (place ?? mountPoint)();
    if (host.parentNode != target) {
      const focused = root.activeElement as HTMLElement | null;
      target.append(host);
      // Above everything, also where an ancestor is clipped or transformed.
      if (!place) host.showPopover?.();
      focused?.focus({ preventScroll: true });
    }
    arrange();
  };

  const put = (element: HTMLElement, text = "") => {
    if (element.textContent != text) element.textContent = text;
    element.hidden = !text;
    // The words may be in another language than the card.
    element.dir = "auto";
  };

  const offer = (element: HTMLElement, button: Button | undefined) => {
    put(element, button?.label);
    // Not `disabled`: that would throw away the focus.
    element.setAttribute("aria-disabled", `${view!.busy}`);
  };

  const announce = (text: string) => {
    if (text != announced) setTimeout(() => (said.textContent = announced), ANNOUNCE_AFTER_MS);
    announced = text;
  };

  primary.onclick = () => view?.busy || view?.primary?.press();
  secondary.onclick = () => view?.busy || view?.secondary?.press();
  host.onkeydown = (event) => {
    if (event.key != "Escape" || !view?.escape) return;
    // Not also the app's dialog around it.
    event.preventDefault();
    event.stopPropagation();
    view.escape();
  };

  if (!place) {
    host.popover = "manual";
    // A modal that opens takes the focus, in some browsers with a `toggle`.
    for (const type of ["focusin", "toggle", "fullscreenchange"])
      document.addEventListener(type, mount, true);
    // Thrown out, or in something that was closed or removed, the card has no size any more.
    if (globalThis.ResizeObserver) new ResizeObserver(mount).observe(card);
  }

  return (next: View | null | undefined) => {
    if (!view != !next && !place) next ? stack.push(card) : stack.splice(stack.indexOf(card), 1);
    view = next;
    announce(next?.announce ?? "");
    if (!next) {
      host.remove();
      return arrange();
    }
    const { lang, left } = next;
    host.lang = lang;
    host.dir = RIGHT_TO_LEFT.test(lang) ? "rtl" : "ltr";
    card.className = `card ${next.mood} ${next.busy ? "busy" : ""}`;
    put(title, next.title);
    put(time, next.clock);
    put(body, next.body);
    put(note, next.note);
    offer(primary, next.primary);
    offer(secondary, next.secondary);
    bar.hidden = left == null;
    fill.style.transform = `scaleX(${left})`;
    mount();
  };
}

/** Nowhere before it is first shown. With a `place` it stands there, and not above all else. */
export function card(place?: () => Element): Card {
  let render: ReturnType<typeof open> | undefined;
  return {
    show(view) {
      if (view) render ??= open(place);
      render?.(view);
    },
  };
}
