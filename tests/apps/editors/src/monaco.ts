import { editor as monaco } from "monaco-editor/editor";
import "monaco-editor/features/register.all";
import { TEXT, place } from "./editor";

window.MonacoEnvironment = {
  getWorker: () => new Worker("/editors/monaco-worker.js", { type: "module" }),
};

/** With EditContext, where the browser has it, or with the hidden text area that it used before. */
export function monacoWith(editContext: boolean): void {
  const editor = monaco.create(place, {
    value: TEXT,
    language: "plaintext",
    editContext,
    minimap: { enabled: false },
  });
  window.editor = { focus: () => editor.focus(), text: () => editor.getValue() };
}
