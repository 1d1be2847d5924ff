import { frame } from "../editor";

let inner: Document | undefined;
window.editor = {
  focus: () => inner?.body.focus(),
  text: () => inner?.body.innerHTML ?? "",
  open() {
    inner = frame();
    inner.body.contentEditable = "true";
    inner.body.style.height = "150px";
  },
};
