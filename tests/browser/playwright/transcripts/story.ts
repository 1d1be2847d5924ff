/** One story of a page, an app's server, and operators: told in a real browser against the real server, and written down. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { open, type Watched } from "../browser.js";
import { Freshwire, type Build, type Session } from "../../src/freshwire.js";
import { Site } from "../../src/site.js";
import { until } from "../../src/until.js";
import { Names } from "./names.js";
import { Wiretap, type Said } from "./wiretap.js";

const ROOT = new URL("../../../../", import.meta.url);
export const APP = "web";
/** Addresses of a recording are of that moment only. */
const SITE = "https://app.example.com";
const FRESHWIRE = "https://fresh.example.com";

interface Operation {
  method: string;
  path: string;
  body?: unknown;
}

type Step =
  | Said
  | { operate: Operation }
  /** How operators see the page's session from now on, by some of its fields; null: not at all. */
  | { listed: Record<string, unknown> | null }
  /** A power cut, and the server's next start. */
  | "restart";

export class Story {
  readonly steps: Step[] = [];
  site!: Site;
  private tap!: Wiretap;
  private setup: Operation[] = [];
  private readonly pages: Watched[] = [];

  private constructor(
    readonly freshwire: Freshwire,
    private readonly browser: Browser,
  ) {}

  /** Tells a story of an app whose pages carry `deployed`, and writes it down if it comes to its end. */
  static async record(
    name: string,
    browser: Browser,
    deployed: Build,
    setup: Operation[],
    tell: (story: Story) => Promise<unknown>,
  ): Promise<void> {
    const freshwire = await Freshwire.start();
    const story = new Story(freshwire, browser);
    try {
      for (const { method, path, body } of setup) await freshwire.done(method, path, body);
      story.setup = setup;
      story.tap = await Wiretap.start(freshwire.address, (said) => story.hear(said));
      story.site = await Site.start(APP, deployed, story.tap.origin);
      await tell(story);
      await story.write(name);
    } finally {
      await Promise.all(story.pages.map(({ page }) => page.context().close()));
      await story.tap?.stop();
      await story.site?.stop();
      await freshwire.stop();
    }
  }

  async open(): Promise<Watched> {
    const watched = await open(this.browser, `${this.site.origin}/`);
    this.pages.push(watched);
    return watched;
  }

  /** Where pages have the snippet from. */
  get snippet(): string {
    return this.tap.origin;
  }

  /** An operator's call. */
  async operate(method: string, path: string, body?: unknown): Promise<void> {
    this.steps.push({ operate: { method, path, body } });
    await this.freshwire.done(method, path, body);
  }

  release(build: Build, more: Record<string, unknown> = {}): Promise<void> {
    const { path, body } = release(build, more);
    return this.operate("POST", path, body);
  }

  minimum({ build }: Build, more: Record<string, unknown> = {}): Promise<void> {
    const body = { build, reason: "CVE-2026-1234", over: "0s", ...more };
    return this.operate("PUT", `/v1/apps/${APP}/minimum`, body);
  }

  /** No socket gets through from now on. */
  refuseSockets(): void {
    this.tap.refuses = true;
  }

  async restart(): Promise<void> {
    this.steps.push("restart");
    await this.freshwire.kill();
    await this.freshwire.restart();
  }

  /** Waits until that many steps are as asked. */
  async said(what: string, as: (said: any) => unknown, times = 1): Promise<void> {
    const matching = () => this.steps.filter((step) => typeof step == "object" && as(step)).length;
    try {
      await until(`${what}, ${times} times`, () => matching() >= times);
    } catch (error) {
      throw new Error(`${String(error)}; the steps were ${JSON.stringify(this.steps, null, 1)}`);
    }
  }

  outcome(is: string, times = 1): Promise<void> {
    return this.said(`the page says ${is}`, ({ page }) => page?.type == "outcome" && page.is == is, times);
  }

  /** Waits until the page knows that this is current. */
  stale({ build }: Build): Promise<void> {
    return this.said(
      `the page knows of ${build}`,
      ({ server }) => server?.type == "standing" && server.current.build == build,
    );
  }

  welcomed(times = 1): Promise<void> {
    return this.said("the page is welcomed", ({ server }) => server?.type == "welcome", times);
  }

  /** Waits until operators see the only session so, and writes that down. */
  async listed(as: Partial<Session> & Record<string, unknown>): Promise<void> {
    const wanted = Object.entries(as);
    await this.freshwire.theSession(APP, JSON.stringify(as), (session) =>
      wanted.every(([key, value]) => JSON.stringify(session[key as keyof Session]) == JSON.stringify(value)),
    );
    this.steps.push({ listed: as });
  }

  /** Waits until operators see no session any more, and writes that down. */
  async gone(): Promise<void> {
    await until("the session is gone", async () => (await this.freshwire.sessions(APP)).length == 0);
    this.steps.push({ listed: null });
  }

  /** Waits for what is as asked, and writes down nothing of what comes after it. */
  async endsWith(last: (said: any) => unknown): Promise<void> {
    await this.said("the page ends", last);
    const heard = this.steps.splice(0);
    this.steps.push(...heard.slice(0, heard.findIndex(last) + 1));
    this.hear = () => undefined;
  }

  private hear = (said: Said): void => void this.steps.push(said);

  private async write(name: string): Promise<void> {
    const manifest = await readFile(new URL("client-js/package.json", ROOT), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    const names = new Names();
    const addresses: [string, string][] = [
      [this.site.origin, SITE],
      [this.tap.origin, FRESHWIRE],
    ];
    /** A line each, so that a change shows where it is. */
    const lines = (list: unknown[]) => list.map((each) => `    ${JSON.stringify(each)}`).join(",\n");
    const steps = this.steps.map((step) => names.replace(step, addresses));
    const text = `{
  "client": "freshwire/${version}",
  "story": ${JSON.stringify(name)},
  "setup": [
${lines(this.setup)}
  ],
  "steps": [
${lines(steps)}
  ]
}
`;
    const folder = new URL(`fixtures/transcripts/${version}/`, ROOT);
    await mkdir(folder, { recursive: true });
    await writeFile(fileURLToPath(new URL(`${name}.json`, folder)), text);
  }
}

/** The registration of a release. */
export const release = (build: Build, more: Record<string, unknown> = {}): Operation => ({
  method: "POST",
  path: `/v1/apps/${APP}/releases`,
  body: { ...build, ...more },
});
