/** What each page has: one editor, first in its main part, and a way for the test to ask what stands in it. */

export const TEXT = "Hello world";

export interface Editor {
  focus(): void;
  /** The document, as text or as markup. */
  text(): string;
  /** Brings the editor in, where it comes later than the page. */
  open?(): void;
}

declare global {
  interface Window {
    editor: Editor;
  }
}

/** Where the editor goes. A click on its middle is a click into the editor. */
export const place = document.createElement("div");
place.id = "editor";
Object.assign(place.style, { height: "180px", overflow: "hidden", background: "white", color: "black" });
document.querySelector("main")!.prepend(place);

/** The one element that the browser edits by itself. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  parent: Node = place,
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  Object.assign(made.style, { boxSizing: "border-box", width: "100%", height: "100%", border: "0" });
  parent.appendChild(made);
  return made;
}

/** An empty frame of this origin, in which somebody may write. */
export function frame(): Document {
  const inner = element("iframe").contentDocument!;
  // Firefox soon puts another document in place of one that nobody has written.
  inner.open();
  inner.write(`<!doctype html><body>${TEXT}</body>`);
  inner.close();
  return inner;
}
