/** The Vite plugin: puts the build into the HTML, and writes what the server should know of a release. */

import { readFile, readdir } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import type { HtmlTagDescriptor, Plugin, ResolvedConfig } from "vite";
import { buildId } from "./build-id.js";
import { contentId, hashes, type Hashes, type OutputFile } from "./output.js";

export interface FreshwireVite {
  /** The Freshwire server, as pages reach it. */
  url: string;
  /** The app's name there. */
  app: string;
  /** Semver beside the build. */
  version?: string;
  /** Default: `FRESHWIRE_BUILD`, else git's commit, else (no git, uncommitted changes) a hash of the output. */
  build?: string;
  /** `false`: no script tag, because the app's own code calls `connect`. */
  script?: false;
}

/** The file `freshwire.json`, for `freshwire release --assets` and for origin probes. */
export interface ReleaseFile {
  build: string;
  version?: string;
  /** Hashes of the files' contents by URL path, the hashes in file names left out of them. */
  assets: { css: Hashes; rest: Hashes };
  /** What a page of this build loads first: its entry modules and what they import. */
  preload: string[];
}

const FILE = "freshwire.json";

/** Stands in the HTML until all else is written: the build may be a hash of that. No chunk ever sees either. */
const BUILD = "__FRESHWIRE_BUILD__";
const VERSION = "__FRESHWIRE_VERSION__";

const attribute = (text: string) => text.replace(/[&"<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** For a shell: as it is if that is safe, else in single quotes. */
const word = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Files that Vite copies beside what it builds. */
async function copied({ publicDir, build }: ResolvedConfig): Promise<OutputFile[]> {
  if (!publicDir || !build.copyPublicDir) return [];
  const entries = await readdir(publicDir, { recursive: true, withFileTypes: true }).catch(() => []);
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .map(async (file) => ({
        path: relative(publicDir, file).split(sep).join("/"),
        content: await readFile(file),
        copied: true,
      })),
  );
}

type Bundle = Parameters<Extract<NonNullable<Plugin["generateBundle"]>, (...all: never) => unknown>>[1];

const outputFiles = (bundle: Bundle): OutputFile[] =>
  Object.values(bundle).map((file) => ({
    path: file.fileName,
    content: file.type == "chunk" ? file.code : file.source,
  }));

/** The entry modules and everything that they import statically, each once, in the order of need. */
function firstLoaded(bundle: Bundle): string[] {
  const first = new Set<string>();
  const add = (name: string) => {
    const file = bundle[name];
    if (file?.type != "chunk" || first.has(name)) return;
    first.add(name);
    file.imports.forEach(add);
  };
  for (const file of Object.values(bundle)) if (file.type == "chunk" && file.isEntry) add(file.fileName);
  return [...first];
}

/** Does nothing in a dev server and in builds that are not for browsers. */
export function freshwire({ url, app, version, build, script }: FreshwireVite): Plugin {
  if (!app) throw new Error("freshwire: the vite plugin needs `app`, the app's name on the Freshwire server");
  if (!url && script !== false)
    throw new Error("freshwire: the vite plugin needs `url`, the Freshwire server's address");
  let config: ResolvedConfig;
  let known: string | undefined;
  let command: string | undefined;
  const written = new Map<string, OutputFile>();

  const tags = (): HtmlTagDescriptor[] => {
    const meta = {
      tag: "meta",
      attrs: { name: "freshwire-build", content: BUILD },
      injectTo: "head" as const,
    };
    if (script === false) return [meta];
    const attrs = {
      src: `${url.replace(/\/+$/, "")}/freshwire.js`,
      "data-app": app,
      ...(version && { "data-version": VERSION }),
      async: true,
    };
    return [meta, { tag: "script", attrs, injectTo: "head" }];
  };

  return {
    name: "freshwire",
    // What `applyToEnvironment` says again, for a Vite that doesn't ask it.
    apply: (_, { command, isSsrBuild }) => command == "build" && !isSsrBuild,
    applyToEnvironment: (environment) => environment.config.consumer == "client",

    configResolved(resolved) {
      config = resolved;
    },

    async buildStart() {
      written.clear();
      command = undefined;
      known = await buildId(build, config.root);
    },

    transformIndexHtml: {
      order: "post",
      handler(html, { path }) {
        if (/<meta[^>]+name=["']?freshwire-build\b/i.test(html)) {
          config.logger.warn(`freshwire: ${path} has a freshwire-build of its own; remove it`);
        }
        return tags();
      },
    },

    // After the plugins that still write into chunks and HTML.
    generateBundle: {
      order: "post",
      async handler(_, bundle) {
        // A build may have several outputs (modern and legacy); the last one's words stand, and cover all.
        for (const file of [...(await copied(config)), ...outputFiles(bundle)]) written.set(file.path, file);
        const files = [...written.values()];
        const release = known ?? contentId(files, version);
        // A relative base: as seen from the document that the app starts at.
        const url = (path: string) => config.base.replace(/^\.\//, "") + path;
        const about: ReleaseFile = {
          build: release,
          version,
          assets: hashes(files, url),
          preload: firstLoaded(bundle).map(url),
        };
        let documents = 0;
        for (const file of Object.values(bundle)) {
          if (file.type != "asset" || !file.fileName.endsWith(".html")) continue;
          const text = typeof file.source == "string" ? file.source : Buffer.from(file.source).toString();
          if (!text.includes(BUILD)) continue;
          documents++;
          file.source = text
            .replaceAll(BUILD, () => attribute(release))
            .replaceAll(VERSION, () => attribute(version ?? ""));
        }
        if (!documents) {
          config.logger.warn(
            `freshwire: no HTML was built; whatever renders it must put <meta name="freshwire-build" content="${release}"> into its head`,
          );
        }
        this.emitFile({ type: "asset", fileName: FILE, source: `${JSON.stringify(about, null, 2)}\n` });
        const file = relative(process.cwd(), resolve(config.root, config.build.outDir, FILE));
        command = ["freshwire release", word(app), "--build", word(release)]
          .concat(version ? ["--version", word(version)] : [], "--assets", word(file.split(sep).join("/")))
          .join(" ");
      },
    },

    closeBundle() {
      if (command) config.logger.info(`\nTell Freshwire of this build once it is deployed:\n  ${command}\n`);
      command = undefined;
    },
  };
}

export default freshwire;
