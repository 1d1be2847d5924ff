/** What lies above all else and takes clicks: beside an open modal dialog nothing else does. */

const MODAL = "dialog:modal";

/** The modal dialog that the focus is in, also inside of components, or else the last one. */
function modalIn(root: Document | ShadowRoot): Element | null | undefined {
  const focused = root.activeElement;
  const inner = focused?.shadowRoot;
  return (inner && modalIn(inner)) ?? focused?.closest(MODAL) ?? [...root.querySelectorAll(MODAL)].at(-1);
}

/** Where the card belongs now. */
export function mountPoint(): Element {
  const screen = document.fullscreenElement;
  try {
    const modal = modalIn(document);
    if (modal) return modal;
  } catch {
    // `:modal` is unknown to older browsers.
  }
  // Media and frames can't have children that show.
  return screen?.matches(":not(video,audio,iframe,canvas,img)") ? screen : document.body;
}
