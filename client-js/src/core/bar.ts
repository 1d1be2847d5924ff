/** One plain line, for when the part with the real prompt can't be loaded. A click puts it away. */

let bar: HTMLElement | undefined;

/** Without a text: removes it. */
export function plainBar(text?: string): void {
  bar?.remove();
  bar = undefined;
  if (!text) return;
  const made = (bar = document.createElement("div"));
  made.setAttribute("role", "status");
  made.style.cssText =
    "position:fixed;inset:auto 0 0;z-index:2147483647;padding:12px;background:#1b1f27;color:#fff;font:14px system-ui;text-align:center";
  made.onclick = () => made.remove();
  document.body.append(made);
  // After it is in the document, so that it is announced.
  setTimeout(() => (made.textContent = text), 150);
}
