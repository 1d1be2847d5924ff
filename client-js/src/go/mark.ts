/** Reads the build that a document says it carries. As text, since Trusted Types forbid parsing it. */

const OPEN = /<!--|<\/?([a-z][^\s/>]*)/gi;
const TAG = /^(?:[^>"']|"[^"]*"|'[^']*')*>/;
const ATTRIBUTE = /([^\s"'/>=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
/** What is in these is text, whatever it looks like. */
const TEXT = /^(script|style|textarea|title|noscript|xmp|iframe|noembed|noframes)$/;
/** A longer tag is none of ours, and need not be read to its end. */
const LONGEST_TAG = 4_096;

const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos|plus));?/gi;
const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", plus: "+" };

const decoded = (text: string) =>
  text.replace(ENTITY, (all, decimal, hex, name: string) => {
    const code = decimal ? +decimal : hex ? parseInt(hex, 16) : 0;
    return name ? NAMED[name.toLowerCase()]! : code < 0x110000 ? String.fromCodePoint(code) : all;
  });

/** By their names in lower case. Of two by one name the first counts. */
function attributes(tag: string): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [, name, double, single, bare] of tag.matchAll(ATTRIBUTE)) {
    all[name!.toLowerCase()] ??= decoded(double ?? single ?? bare ?? "");
  }
  return all;
}

/**
 * The build of an app: in its script tag's `data-build`, or else in `<meta name="freshwire-build">`, as a page takes it. Of
 * several apps' marks in one document the one with its `data-app`, or else one without any. What stands in comments, in text,
 * in templates and in scripts is none.
 */
export function markedBuild(html: string, app: string): string | undefined {
  let own: string | undefined;
  let anybodys: string | undefined;
  let templates = 0;
  OPEN.lastIndex = 0;
  for (let open; (open = OPEN.exec(html));) {
    const from = OPEN.lastIndex;
    const name = open[1]?.toLowerCase();
    const ends = open[0][1] == "/";
    const [tag] = (name && TAG.exec(html.slice(from, from + LONGEST_TAG))) || [""];
    if (name == "template") templates = Math.max(0, templates + (ends ? -1 : 1));
    else if (!templates && !ends && /^(meta|script)$/.test(name!)) {
      const { name: named, content, "data-app": of, "data-build": build } = attributes(tag);
      if (name == "script") {
        if (build && of == app) return build;
      } else if (named == "freshwire-build" && content) {
        if (of == app) own ??= content;
        else if (of == null) anybodys ??= content;
      }
    }
    OPEN.lastIndex = from + tag.length;
    if (name && (ends || !TEXT.test(name))) continue;
    // A comment may end where it begins: `<!-->`.
    const close = name ? new RegExp(`</${name}(?=[\\s/>])`, "gi") : /--!?>/g;
    close.lastIndex = name ? from + tag.length : from - 2;
    if (!close.exec(html)) break;
    OPEN.lastIndex = close.lastIndex;
  }
  return own ?? anybodys;
}
