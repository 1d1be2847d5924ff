import { createRoot } from "react-dom/client";
import { Node, createEditor } from "slate";
import { withHistory } from "slate-history";
import { Editable, ReactEditor, Slate, withReact } from "slate-react";
import { TEXT, place } from "../editor";

const editor = withHistory(withReact(createEditor()));
const text = () => editor.children.map((node) => Node.string(node)).join("\n");
createRoot(place).render(
  <Slate editor={editor} initialValue={[{ type: "paragraph", children: [{ text: TEXT }] } as never]}>
    <Editable style={{ height: 180 }} />
  </Slate>,
);
window.editor = { focus: () => ReactEditor.focus(editor), text };
