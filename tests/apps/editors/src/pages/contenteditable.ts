import { TEXT, element } from "../editor";

const root = element("div");
root.contentEditable = "true";
root.textContent = TEXT;
window.editor = { focus: () => root.focus(), text: () => root.innerHTML };
