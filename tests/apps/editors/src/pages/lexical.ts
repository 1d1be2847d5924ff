import { createEmptyHistoryState, registerHistory } from "@lexical/history";
import { registerRichText } from "@lexical/rich-text";
import { $createParagraphNode, $createTextNode, $getRoot, createEditor } from "lexical";
import { TEXT, element } from "../editor";

const editor = createEditor({
  onError(error) {
    throw error;
  },
});
const root = element("div");
root.contentEditable = "true";
editor.setRootElement(root);
registerRichText(editor);
registerHistory(editor, createEmptyHistoryState(), 300);
editor.update(() => $getRoot().append($createParagraphNode().append($createTextNode(TEXT))));
const text = () => editor.getEditorState().read(() => $getRoot().getTextContent());
window.editor = { focus: () => editor.focus(), text };
