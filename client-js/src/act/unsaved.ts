/**
 * Unsaved input holds a refresh like any other hold. It is learned from what the user does to whatever can be edited: in this
 * document, in shadow roots, and in frames of the same origin. `input` events alone don't tell: editors prevent them.
 */

import type { Host } from "../core/part.js";
import { UNSAVED } from "../prompt/seam.js";

const IGNORED = "[type=search],[role=search],[data-freshwire-ignore]";
/** Outside of a form these set how something looks, and nothing is lost with that. */
const SETTINGS = "select,[type=checkbox],[type=radio],[type=range],[type=color]";
const FRAME = /^i?frame$/;
const BOX = /checkbox|radio/;
const EDITS = ["keydown", "beforeinput", "input", "paste", "cut", "drop", "compositionupdate"];
/** Keys that write or erase. An input method's keys have no names of their own. */
const WRITES = /^(.|Enter|Backspace|Delete|Process|Unidentified|Dead)$/su;
/** With Control or Command. */
const COMMANDS = /^[bdhikmuxyz]$/i;
/** What is longer may be more than an editor has in the document, and its text tells nothing. */
const SHORT = 200;
/** A field where people read what they write is larger, in pixels; editors catch keys with smaller ones, and empty those. */
const LEAST_WIDTH = 20;
const LEAST_HEIGHT = 8;
/** An app may take as long to do what a key or a paste asks for. */
const YOUNG_MS = 2_000;
const REVIEW_MS = 250;
const REVIEW_SOON_MS = 50;
const REVIEW_AGAIN_MS = 5_000;
const AGES_MS = 8 * 3_600_000;
const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** From a letter up to its editor. */
const MOST_LEVELS = 9;
/** Places that are remembered for what was typed there. */
const MOST_PLACES = 50;

type Field = HTMLElement & HTMLInputElement & HTMLSelectElement & { editContext?: EventTarget | null };

/** What was typed somewhere. */
interface Typed {
  place: string;
  at: number;
  /** The address at which it was sent: sent well, when the app goes elsewhere. */
  sent?: string;
}

interface Edited extends Typed {
  /** The user's last act took something away. */
  erased?: boolean;
}

export interface Unsaved {
  /** Looks again at what there is. */
  review(): void;
  /** The app says that all is safe. */
  saved(): void;
}

/** `8h`, `30m`, or milliseconds. */
export function duration(given: number | string | undefined, otherwise: number): number {
  const [, number, unit] = /^([\d.]+)\s*(s|m|h|d|)$/.exec(String(given)) ?? [];
  return number ? +number * (UNITS[unit!] ?? 1) : otherwise;
}

/** Two views within the app: their paths differ, or their hashes where those are paths. */
const place = () => location.pathname + (/^#[!/][^?]*/.exec(location.hash)?.[0] ?? "");
const address = () => location.href.replace(/#(?![!/]).*/s, "");

/** What is edited as a whole, where the event was within it. */
function fieldOf(event: Event): Field | undefined {
  let field = event.composedPath()[0] as Field;
  // A document can't be asked.
  if (!field.closest || field.closest(IGNORED)) return;
  if (/^(input|textarea|select)$/.test(field.localName)) {
    return field.matches(SETTINGS) && !field.form ? undefined : field;
  }
  while (field.parentElement?.isContentEditable) field = field.parentElement as Field;
  const editable = field.isContentEditable || field.editContext || field.ownerDocument.designMode == "on";
  // What is inside of a closed component is nobody's business, but that something happened there is known.
  const closed = field.localName.includes("-") && !field.shadowRoot && event.type != "keydown";
  if (editable || closed || /input$/.test(event.type) || brings(event)) return field;
  return event.type == "drop" ? sinkBeside(field) : undefined;
}

/** Where an editor that draws its text itself catches keys: what is dropped on such a text goes into it, too. */
function sinkBeside(element: Element | null): Field | undefined {
  for (let levels = 0; element && levels < MOST_LEVELS; levels++) {
    const sink = element.querySelector<Field>("textarea");
    if (sink) return sink;
    element = element.parentElement;
  }
  return undefined;
}

/** Files, which may be pasted and dropped anywhere. */
const brings = (event: Event) =>
  !!((event as DragEvent).dataTransfer ?? (event as ClipboardEvent).clipboardData)?.files.length &&
  /paste|drop/.test(event.type);

/** What is in it; undefined: that can't be told. */
function content(field: Field): string | undefined {
  if (field.isContentEditable) {
    const text = field.textContent!;
    return text.length > SHORT || field.editContext
      ? undefined
      : text + "\n" + field.querySelectorAll("*").length;
  }
  if (BOX.test(field.type)) return `${field.checked}`;
  const { value, options } = field;
  if (options && field.multiple) return [...options].map(({ selected }) => +selected).join("");
  return typeof value == "string" ? value : undefined;
}

/** Nothing, or an empty line or two. */
const isEmpty = (content: string) => /^\s*(\n[0-4])?$/.test(content);

const writes = ({ type, key, ctrlKey, metaKey, altKey }: KeyboardEvent) =>
  type != "keydown" || ((ctrlKey || metaKey) && !altKey ? COMMANDS : WRITES).test(key);

const erases = ({ type, key, ctrlKey, metaKey, inputType }: KeyboardEvent & InputEvent) =>
  type == "cut" ||
  /^(delete|history)/.test(inputType) ||
  /^(Backspace|Delete)$/.test(key) ||
  ((ctrlKey || metaKey) && /^[xz]$/i.test(key));

/** Holds while there is any. Whoever hasn't gone on with it for `options.ages` has given it up. */
export function unsavedInput({ options, on, hold }: Host): Unsaved {
  const edited = new Map<Field, Edited>();
  /** By place: what has left the document, and is the app's to keep now. */
  const left = new Map<string, Typed>();
  /** What was in a field when the user came to it, or before they changed it. */
  let before = new WeakMap<Field, string | undefined>();
  /** Fields that people read in. */
  const read = new WeakSet<Element>();
  const ages = duration(options.ages, AGES_MS);
  let held = false;
  let release: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let soon = false;
  let last: EventTarget | null = null;

  let sight: IntersectionObserver | undefined;
  try {
    sight = new IntersectionObserver((entries) => {
      for (const { target, intersectionRect: seen } of entries) {
        if (seen.width >= LEAST_WIDTH && seen.height >= LEAST_HEIGHT) read.add(target);
        sight!.unobserve(target);
      }
      review();
    });
  } catch {
    // Without it nothing that has changed is taken for saved.
  }

  const remember = (field: Field) => {
    before.set(field, content(field));
    if (!read.has(field)) sight?.observe(field);
  };

  /** It is as it was, or the app has emptied it. */
  const isDone = (field: Field, { erased }: Edited) => {
    const was = before.get(field);
    const now = was != null && (BOX.test(field.type) || read.has(field)) ? content(field) : undefined;
    return now != null && (now == was || (isEmpty(now) && !erased));
  };

  const isGone = ({ at, sent }: Typed) => Date.now() - at > ages || (sent != null && sent != address());

  const review = () => {
    soon = false;
    clearTimeout(timer);
    let young = false;
    let holds = false;
    for (const [field, typed] of edited) {
      if (isGone(typed)) edited.delete(field);
      else if (isDone(field, typed)) {
        // What an act does to the field may be yet to come.
        if (Date.now() - typed.at < YOUNG_MS) young = true;
        else edited.delete(field);
      }
      // A frame's document outlives the frame.
      else if (!field.isConnected || !field.ownerDocument.defaultView) {
        edited.delete(field);
        left.delete(typed.place);
        left.set(typed.place, typed);
        if (left.size > MOST_PLACES) left.delete(left.keys().next().value!);
      } else holds = true;
    }
    for (const [place, typed] of left) if (isGone(typed)) left.delete(place);
    holds ||= left.has(place());
    if (young || (holds && !document.hidden)) timer = setTimeout(review, young ? REVIEW_MS : REVIEW_AGAIN_MS);
    if (holds == held) return;
    held = holds;
    if (holds) release = hold(UNSAVED);
    else release!();
  };

  const reviewSoon = () => {
    if (soon || !(edited.size || left.size)) return;
    soon = true;
    clearTimeout(timer);
    timer = setTimeout(review, REVIEW_SOON_MS);
  };

  const touch = (field: Field, event: Event) => {
    const first = !edited.has(field);
    if (first && event.type != "input") remember(field);
    // A box is not asked before.
    if (first && (field.type as string) == "checkbox" && event.type == "input")
      before.set(field, `${!field.checked}`);
    edited.set(field, { place: place(), at: Date.now(), erased: erases(event as never) });
    if (!held) review();
    reviewSoon();
  };

  const edit = (event: Event) => {
    if (!event.isTrusted) return;
    // Input may come faster than anybody types.
    if (held && event.target == last && /^insert/.test((event as InputEvent).inputType)) return;
    if (!writes(event as KeyboardEvent)) return reviewSoon();
    const field = fieldOf(event);
    last = event.type == "input" ? event.target : null;
    if (field) touch(field, event);
  };

  const enter = (event: Event) => {
    // The focus has left a window, for a frame in it perhaps.
    let element = (
      event.type == "blur" ? (event.currentTarget as Window).document.activeElement : event.composedPath()[0]
    ) as Element | null;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    const field = element as Field | null;
    if (FRAME.test(field?.localName ?? "")) watch(field as never);
    if (event.type != "focusin") return;
    reviewSoon();
    if (!field || edited.has(field) || !fieldOf(event)) return;
    remember(field);
    // What an input method or a panel of the system puts in comes without keys.
    if (field.editContext)
      on(field.editContext, "textupdate", (update) => update.isTrusted && touch(field, update));
  };

  const send = ({ target, type }: Event) => {
    const sent = type == "submit" ? address() : "";
    for (const [field, typed] of edited) {
      if (field.form == target || (target as Element).contains(field)) typed.sent = sent;
    }
    const typed = left.get(place());
    if (typed && sent) typed.sent = sent;
    review();
  };

  function watch(frame: { contentWindow: Window | null }) {
    try {
      const view = frame.contentWindow!;
      const { document } = view;
      for (const type of EDITS) on(view, type, edit);
      for (const type of ["submit", "reset"]) on(view, type, send);
      for (const type of ["blur", "focusin", "pointerover", "dragenter"]) on(view, type, enter);
      for (const type of ["click", "focusout"]) on(view, type, reviewSoon);
      // Frames that come later, or are written anew.
      on(document, "load", enter);
      document.querySelectorAll<HTMLIFrameElement>("iframe,frame").forEach(watch);
    } catch {
      // Another origin's.
    }
  }
  watch({ contentWindow: window });

  return {
    review,
    saved() {
      edited.clear();
      left.clear();
      before = new WeakMap();
      review();
    },
  };
}
