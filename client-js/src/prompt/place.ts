/** What lies above all else and takes clicks: beside an open modal dialog nothing else does. */

/** Several libraries' dialogs don't say that they are modal: those count while the focus is in them. */
const SAY_SO = ":is(dialog:modal,[aria-modal=true])";
const ANY = `:is(${SAY_SO},[role=dialog],[role=alertdialog],[popover]:popover-open:not([popover=manual]))`;

const open = (element: Element) =>
  element.getClientRects().length > 0 &&
  getComputedStyle(element).visibility == "visible" &&
  !element.closest("[inert],[aria-hidden=true]");

/** The dialog that the focus is in, also inside of components, or else the last one that is open. */
function dialogIn(root: Document | ShadowRoot): Element | null | undefined {
  const focused = root.activeElement;
  const inner = focused?.shadowRoot;
  return (
    (inner && dialogIn(inner)) ??
    focused?.closest(ANY) ??
    [...root.querySelectorAll(SAY_SO)].filter(open).at(-1)
  );
}

/** Where the card belongs now. */
export function mountPoint(): Element {
  const screen = document.fullscreenElement;
  try {
    const dialog = dialogIn(document);
    if (dialog) return dialog;
  } catch {
    // `:modal` is unknown to older browsers.
  }
  // Media and frames can't have children that show.
  return screen?.matches(":not(video,audio,iframe,canvas,img)") ? screen : document.body;
}
