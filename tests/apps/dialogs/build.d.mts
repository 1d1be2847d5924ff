/** Builds the dialogs once, and gives the script that puts them on a page. */
export function buildDialogs(): Promise<string>;
