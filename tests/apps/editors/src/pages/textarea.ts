import { TEXT, element } from "../editor";

const field = element("textarea");
field.value = TEXT;
window.editor = { focus: () => field.focus(), text: () => field.value };
