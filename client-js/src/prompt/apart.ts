/**
 * What happens in the card never reaches the app, to which it would be 'outside': its dialogs would close, its shortcuts
 * would delete what is selected. So listeners on the window, which come before all others but those that the app itself has
 * set there before the card came, end each event there.
 */

const names = (types: string) => types.split(" ");
const TYPES = [
  ...["pointer", "mouse"].flatMap((kind) =>
    names("down up move over out enter leave").map((of) => kind + of),
  ),
  ...names("pointercancel gotpointercapture lostpointercapture click dblclick auxclick contextmenu"),
  ...names("touchstart touchmove touchend touchcancel wheel keydown keypress keyup copy cut paste"),
  ...names("focus focusin blur focusout beforetoggle toggle"),
];

/** Adds or removes the listener. */
export const bind = (
  on: boolean,
  target: EventTarget,
  types: string[],
  listener: (event: Event) => void,
  passive?: RegExp,
) => {
  for (const type of types) {
    const options = { capture: true, passive: passive?.test(type) };
    if (on) target.addEventListener(type, listener, options);
    else target.removeEventListener(type, listener, options);
  }
};

/**
 * `listen` turns it on and off; `last` had the focus before the card, if anything. `hear` is given what the app isn't, and answers with true when the app is to have it
 * after all. A gesture belongs to where it began: what the user drags over the card, also files, is the app's; a press in
 * the card that ends elsewhere is ours.
 */
export function apart(host: HTMLElement, hear: (event: Event, target: EventTarget) => unknown) {
  let shown = false;
  /** The pointer was pressed in the card, and isn't released yet. */
  let pressed = false;
  /** Keys that were pressed in the card, likewise. */
  const keys = new Set<string>();
  /** Had the focus before the card, and has it still as far as the app knows. */
  let last: EventTarget | undefined;

  const listener = (given: Event) => {
    const event = given as PointerEvent & KeyboardEvent;
    const { type, code, relatedTarget } = event;
    const path = event.composedPath();
    const target = path[0]!;
    const inside = path.includes(host);
    let ours = inside;

    if (/[er]down/.test(type)) pressed = inside;
    else if (/[er]up/.test(type)) {
      ours = pressed;
      // Its click comes at once.
      setTimeout(() => (pressed = false));
    } else if (/[er]move/.test(type) && event.buttons) ours = pressed;
    else if (/click|menu/.test(type)) ours ||= pressed && event.isTrusted;
    else if (type == "keydown") {
      if (inside) keys.add(code);
      // Held down beyond the card's end.
      else if (event.repeat && keys.has(code)) {
        ours = true;
        event.preventDefault();
      }
    } else if (type == "keyup") {
      ours = keys.delete(code);
      if (!shown) end();
    } else if (/foc|blur/.test(type) && !inside) {
      const before = last;
      if (relatedTarget != host) {
        if (before == target) last = undefined;
      } else if (/out|blur/.test(type)) {
        last = target;
        ours = true;
      } else if (before == target) ours = true;
      else if (before) {
        last = undefined;
        // The focus goes on to something else: only now is this left, for the app.
        for (const late of ["blur", "focusout"]) {
          const bubbles = late != "blur";
          before.dispatchEvent(new FocusEvent(late, { bubbles, composed: true, relatedTarget: target }));
        }
      }
    }
    if (ours && !(inside && hear(event, target))) event.stopImmediatePropagation();
  };

  // Scrolling needn't wait for us.
  const set = (on: boolean) => bind(on, window, TYPES, listener, /^(wheel|touch)/);
  const end = () => {
    keys.clear();
    set(false);
  };
  const listen = (on: boolean) => {
    shown = on;
    if (on) set(on);
    // Or else when the key is released that has made the card go.
    else if (!keys.size) end();
  };
  return { listen, last: () => last };
}
