import { frame } from "../editor";

const inner = frame();
inner.designMode = "on";
window.editor = { focus: () => inner.defaultView!.focus(), text: () => inner.body.innerHTML };
