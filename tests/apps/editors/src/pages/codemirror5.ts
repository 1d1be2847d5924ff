import CodeMirror from "codemirror5";
import "codemirror5/lib/codemirror.css";
import { TEXT, place } from "../editor";

const editor = CodeMirror(place, { value: TEXT });
editor.setSize("100%", "100%");
window.editor = { focus: () => editor.focus(), text: () => editor.getValue() };
