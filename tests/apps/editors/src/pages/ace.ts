import ace from "ace-builds";
import { TEXT, place } from "../editor";

const editor = ace.edit(place, { value: TEXT, useWorker: false });
window.editor = { focus: () => editor.focus(), text: () => editor.getValue() };
