import { EditorView, basicSetup } from "codemirror";
import { TEXT, place } from "../editor";

const filling = EditorView.theme({ "&": { height: "180px" } });
const view = new EditorView({ doc: TEXT, extensions: [basicSetup, filling], parent: place });
window.editor = { focus: () => view.focus(), text: () => view.state.doc.toString() };
