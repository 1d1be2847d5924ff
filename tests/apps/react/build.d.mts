export interface ReleaseFile {
  build: string;
  version?: string;
  assets: { css: Record<string, string>; rest: Record<string, string> };
  preload: string[];
}

export interface Built {
  /** The output, as an absolute path. */
  folder: string;
  /** Its freshwire.json. */
  release: ReleaseFile;
  /** What the build printed. */
  said: string;
}

/** Builds one release of the shop into the folder `out`; what isn't given is the same in every release. */
export function buildRelease(options: {
  out: string;
  build?: string;
  version?: string;
  app?: string;
  /** The Freshwire server, as pages reach it. */
  url?: string;
  /** A CSS colour, in the style sheet alone. */
  accent?: string;
  /** A word in the footer, in the script alone. */
  label?: string;
}): Promise<Built>;
