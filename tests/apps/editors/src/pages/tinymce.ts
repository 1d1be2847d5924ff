import tinymce from "tinymce";
import "tinymce/icons/default";
import "tinymce/models/dom";
import "tinymce/skins/content/default/content.js";
import "tinymce/skins/ui/oxide/content.js";
import "tinymce/skins/ui/oxide/skin.js";
import "tinymce/themes/silver";
import { TEXT, element } from "../editor";

const target = element("textarea");
target.value = `<p>${TEXT}</p>`;
const [editor] = await tinymce.init({
  target,
  license_key: "gpl",
  skin_url: "default",
  content_css: "default",
  height: 180,
  menubar: false,
  toolbar: false,
  statusbar: false,
  promotion: false,
});
window.editor = { focus: () => editor!.focus(), text: () => editor!.getContent() };
