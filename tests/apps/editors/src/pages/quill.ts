import Quill from "quill";
import "quill/dist/quill.core.css";
import { TEXT, element } from "../editor";

const quill = new Quill(element("div"));
quill.setText(TEXT, "silent");
window.editor = { focus: () => quill.focus(), text: () => quill.getText() };
