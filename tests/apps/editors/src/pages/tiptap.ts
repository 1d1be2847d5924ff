import { Editor } from "@tiptap/core";
import StarterKit from "@tiptap/starter-kit";
import { TEXT, place } from "../editor";

const editor = new Editor({ element: place, extensions: [StarterKit], content: `<p>${TEXT}</p>` });
editor.view.dom.style.height = "180px";
window.editor = { focus: () => void editor.commands.focus("end"), text: () => editor.getHTML() };
