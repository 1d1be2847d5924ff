/** One plain line, for when the parts that move a page or show the prompt can't be loaded. A click puts it away. */

let bar: HTMLElement | undefined;
let shown: string | undefined;

/** Without a text: removes it. The same text again changes nothing, also when it was put away. */
export function plainBar(text: string | undefined): void {
  if (text == shown) return;
  shown = text;
  bar?.remove();
  if (!text) return;
  const made = (bar = document.createElement("div"));
  made.setAttribute("role", "status");
  made.style.cssText =
    "position:fixed;inset:auto 0 0;z-index:99999999;padding:12px;background:#222;color:#fff;font:14px system-ui";
  made.onclick = () => made.remove();
  document.body.append(made);
  // After it is in the document, so that it is announced.
  setTimeout(() => (made.textContent = text), 150);
}
