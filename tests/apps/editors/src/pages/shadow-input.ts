import { TEXT, element, place } from "../editor";

const field = element("input", place.attachShadow({ mode: "open" }));
field.value = TEXT;
window.editor = { focus: () => field.focus(), text: () => field.value };
