/** The card in the document: takes no focus, announces itself, and stands where it can be reached. */

import { apart, bind } from "./apart.js";
import { corner } from "./corner.js";
import { mountPoint } from "./place.js";
import { STYLE } from "./style.js";
import type { Button, View } from "./view.js";

/** A live region must be known to assistive technology before it speaks. */
const ANNOUNCE_AFTER_MS = 150;
const GAP_PX = 12;
/** What libraries put on all that is beside their open dialogs. */
const HIDDEN = ["aria-hidden", "inert"];
const RIGHT_TO_LEFT = /^(ar|fa|he|ps|ug|ur|yi)\b/;

/** What lies under the card may come later than it. */
const LOOK_MS = 2_000;

/** Cards of several apps on one page stand one above the other, the oldest nearest to the edge. */
const stack: { card: HTMLElement; corner: string }[] = [];

const arrange = () => {
  const used: Record<string, number> = {};
  for (const { card, corner } of stack) {
    const gap = `${(used[corner] ??= 0)}px`;
    const top = corner.includes("top");
    card.style.marginTop = top ? gap : "0px";
    card.style.marginBottom = top ? "0px" : gap;
    used[corner]! += card.offsetHeight + GAP_PX;
  }
};

/** What the page says that it is: that goes before what its user's system prefers. */
const scheme = () => {
  const { colorScheme = "" } = getComputedStyle(document.documentElement);
  const dark = colorScheme.includes("dark");
  return dark == colorScheme.includes("light") ? "auto" : dark ? "dark" : "light";
};

export interface Card {
  /** Shows, changes, or with nothing removes the card. */
  show(view?: View | null): void;
}

/** Makes the card, empty and nowhere yet. Gives what shows, changes and removes it. */
function open(place?: () => Element) {
  let view: View | null | undefined;
  let announced = "";
  let target: Element | undefined;
  let moved = false;
  const refused = new WeakSet<Element>();
  /** The notice that the user has folded the card of. */
  let folded: number | undefined;
  let looking: ReturnType<typeof setTimeout>;
  let mode = "";

  const make = <K extends keyof HTMLElementTagNameMap>(tag: K, parent: Node, className = "", role = "") => {
    const element = document.createElement(tag);
    parent.appendChild(element).className = className;
    if (role) element.setAttribute("role", role);
    return element;
  };
  const host = document.createElement("div");
  host.setAttribute("data-freshwire", "");
  // For dialogs that go round by Tab among what says that it can have the focus: it goes to the buttons at once.
  host.tabIndex = 0;
  const root = host.attachShadow({ mode: "open", delegatesFocus: true });
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
  const handle = make("button", head, "handle");
  handle.setAttribute("aria-labelledby", "title");
  const mine = { card, corner: "" };
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
    // Some draw a dialog anew without what isn't theirs.
    if (target && !host.isConnected && target.isConnected) refused.add(target);
    const wanted = (place ?? mountPoint)();
    target = refused.has(wanted) ? document.body : wanted;
    if (host.parentNode != target) {
      const focused = root.activeElement as HTMLElement | null;
      // It comes in once.
      card.style.animation = moved ? "none" : "";
      moved = true;
      target.append(host);
      // Above everything, also where an ancestor is clipped or transformed.
      if (!place) host.showPopover?.();
      focused?.focus({ preventScroll: true });
      settle();
    }
    arrange();
  };

  const settle = () => {
    // Never from under the finger that is about to press it.
    if (place || root.activeElement || host.matches(":hover")) return;
    mine.corner = corner(host, card, mine.corner, host.dir == "ltr");
    host.setAttribute("data-freshwire", mine.corner);
    arrange();
  };

  /** Back to where the focus was before it came into the card. */
  const back = () => {
    const focused = root.activeElement as HTMLElement | null;
    if (!focused) return;
    (keepApart.last() as HTMLElement | undefined)?.focus?.({ preventScroll: true });
    focused.blur();
  };

  const fold = () => {
    folded = folded == view?.folds ? undefined : view?.folds;
    draw();
    settle();
    if (root.activeElement) handle.focus();
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

  const keepApart = apart(host, (event, target) => {
    const { type, key, shiftKey, repeat } = event as KeyboardEvent;
    if (type == "click" && target == handle) fold();
    const button = target == primary ? view?.primary : target == secondary ? view?.secondary : undefined;
    const keydown = type == "keydown";
    // The focus stays where it is.
    if (type == "mousedown") event.preventDefault();
    if (type == "pointerdown" || (keydown && /^( |Enter)$/.test(key))) button?.begin?.();
    // The second click of two, and a key that is held down, would press what the button has become.
    if (type == "click" && !view?.busy && (event as UIEvent).detail < 2) button?.press();
    if (keydown && (key == "Escape" || (repeat && key == "Enter"))) event.preventDefault();
    if (keydown && key == "Escape") {
      if (view?.escape) view.escape();
      else if (view?.folds != null && folded != view.folds) fold();
      back();
    }
    // A dialog goes round by Tab, so it must know of the one that leaves us.
    const edge = [handle, primary, secondary]
      .filter((button) => button.getClientRects().length)
      .at(shiftKey ? 0 : -1);
    return keydown && key == "Tab" && target == edge && host.parentNode != document.body;
  });

  let sized: ResizeObserver | undefined;
  try {
    sized = new ResizeObserver(() => mount());
  } catch {
    // It is looked after now and then as well.
  }
  const hidden = new MutationObserver(() =>
    // Not at once: somebody may insist.
    requestAnimationFrame(() => {
      for (const name of HIDDEN) host.removeAttribute(name);
      mount();
    }),
  );
  if (!place) host.popover = "manual";

  const watch = (on: boolean) => {
    keepApart.listen(on);
    clearTimeout(looking);
    if (place) return;
    // A modal that opens takes the focus, in some browsers with a `toggle`.
    bind(on, document, ["focusin", "toggle", "fullscreenchange"], mount);
    bind(on, window, ["resize"], settle);
    sized?.disconnect();
    hidden.disconnect();
    if (!on) return;
    const look = () => {
      looking = setTimeout(() => {
        // Whoever comes back to it has it drawn anew.
        if (document.hidden) return;
        if (mode != scheme()) draw();
        settle();
        look();
      }, LOOK_MS);
    };
    look();
    // Thrown out, or in something that was closed or removed, the card has no size any more.
    sized?.observe(card);
    hidden.observe(host, { attributeFilter: HIDDEN });
  };

  const draw = () => {
    if (!view) return;
    const { lang, left, folds, mood, busy } = view;
    host.lang = lang;
    host.dir = RIGHT_TO_LEFT.test(lang) ? "rtl" : "ltr";
    const small = folds != null && folded == folds;
    mode = scheme();
    card.className = `card ${mood} ${mode}${busy ? " busy" : ""}${small ? " folded" : ""}`;
    handle.hidden = folds == null;
    handle.setAttribute("aria-expanded", `${!small}`);
    put(title, view.title);
    put(time, view.clock);
    put(body, view.body);
    put(note, view.note);
    offer(primary, view.primary);
    offer(secondary, view.secondary);
    bar.hidden = left == null;
    fill.style.transform = `scaleX(${left})`;
    mount();
  };

  return (next: View | null | undefined) => {
    if (!next) back();
    if (!view != !next) {
      watch(!!next);
      moved = false;
      target = undefined;
      mine.corner = "";
      if (!place) next ? stack.push(mine) : stack.splice(stack.indexOf(mine), 1);
    }
    view = next;
    announce(next?.announce ?? "");
    draw();
    if (next) return;
    host.remove();
    arrange();
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
