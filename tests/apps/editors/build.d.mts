/**
 * Builds all editors, in memory. By path: `/editors/tiptap.js` is a page's script, some have a `/editors/monaco.css`, and
 * the others are chunks that they share.
 */
export function buildEditors(): Promise<Record<string, Buffer>>;
