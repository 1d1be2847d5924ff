/** Looks at the document that a reload would load, past the caches that can be got past. */

export type Look =
  | { is: "build"; build: string }
  /** The origin answers with a redirect, to a login perhaps: a fetch can't see where a reload would end. */
  | { is: "redirect" }
  | { is: "away"; detail: string; unmarked?: boolean };

const LOOK_MS = 10_000;
const COMMENT = /<!--[\s\S]*?-->/g;
const TAG = /<(?:meta|script)\b(?:[^>"']|"[^"]*"|'[^']*')*>/gi;

const attribute = (tag: string, name: string) => {
  const match = new RegExp(`[\\s"']${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, "i").exec(tag);
  return match?.[1] ?? match?.[2] ?? match?.[3];
};

/**
 * The build that a document says it carries for an app: in the script tag's `data-build`, or else in
 * `<meta name="freshwire-build">`, as a page takes it. As text: Trusted Types forbid parsing it.
 */
export function markedBuild(html: string, app: string): string | undefined {
  let meta: string | undefined;
  for (const [tag] of html.replace(COMMENT, "").matchAll(TAG)) {
    if (/^<script/i.test(tag)) {
      const own = attribute(tag, "data-app") == app && attribute(tag, "data-build");
      if (own) return own;
    } else if (attribute(tag, "name") == "freshwire-build") meta ??= attribute(tag, "content");
  }
  return meta || undefined;
}

/** Never rejects. */
export async function look(app: string, address: string): Promise<Look> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), LOOK_MS);
  try {
    // `no-cache` revalidates, as a reload does; `reload` would ask caches for something that a reload doesn't.
    const response = await fetch(address.replace(/#.*/s, ""), {
      cache: "no-cache",
      redirect: "manual",
      credentials: "same-origin",
      headers: { accept: "text/html" },
      signal: abort.signal,
    });
    if (response.type == "opaqueredirect") return { is: "redirect" };
    if (response.status >= 500) return { is: "away", detail: `the document answered ${response.status}` };
    const build = markedBuild(await response.text(), app);
    return build
      ? { is: "build", build }
      : { is: "away", detail: "the document names no build", unmarked: true };
  } catch {
    return { is: "away", detail: "the document can't be fetched" };
  } finally {
    clearTimeout(timer);
  }
}

/** What a look has found holds for 5 min; while the user is about, another is taken a little earlier. */
const HOLDS_MS = 300_000;
const AGAIN_MS = 240_000;

/** Looks ahead, so that a look is in hand when it is needed. Nothing is reported of it. */
export function ahead(app: string) {
  let last = { build: "", at: 0, tried: 0 };
  return {
    async take(build: string): Promise<void> {
      const now = Date.now();
      if (now - last.tried < AGAIN_MS && last.build == build) return;
      const mine = (last = { build, at: 0, tried: now });
      const found = await look(app, location.href);
      if (found.is == "build" && found.build == build) mine.at = Date.now();
    },
    inHand: (build: string) => last.build == build && Date.now() - last.at < HOLDS_MS,
  };
}
