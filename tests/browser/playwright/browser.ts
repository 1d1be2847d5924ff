/** Debian's Chromium by playwright, which draws pictures and hears sockets: for what is drawn and recorded here alone. */

import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { home } from "../src/engines/programs.js";
import { PATIENCE_MS } from "../src/until.js";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function launch(): Promise<Browser> {
  const { env } = await home();
  return chromium.launch({
    executablePath: CHROMIUM,
    args: FLAGS,
    env,
    // Or no page would ever come back from the back/forward cache.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    timeout: 60_000,
  });
}

export interface Watched {
  page: Page;
  /** Errors that nobody caught. */
  errors: string[];
}

/** From now on, every error of this page. */
export function watch(page: Page): Watched {
  const errors: string[] = [];
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => errors.push(String(error)));
  return { page, errors };
}

/** A page in a context of its own. */
export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext(options);
  const watched = watch(await context.newPage());
  await watched.page.goto(url);
  return watched;
}

export const isRunning = (page: Page, { build }: { build: string }) =>
  page.waitForFunction(
    (build) => document.querySelector<HTMLElement>("#build")?.dataset.build == build,
    build,
  );

/** The page has been welcomed by the server. */
export const connected = (page: Page) =>
  page.waitForFunction(
    () =>
      (window as never as { freshwire?: { status?: { connection: string } } }).freshwire?.status
        ?.connection == "open",
  );

/** The prompt, through its shadow root. */
export const prompt = (page: Page) => ({
  card: page.locator("[data-freshwire] .card"),
  title: page.locator("[data-freshwire] h2"),
  body: page.locator("[data-freshwire] .body"),
  note: page.locator("[data-freshwire] .note"),
  time: page.locator("[data-freshwire] .time"),
  primary: page.locator("[data-freshwire] .primary"),
  secondary: page.locator("[data-freshwire] .secondary"),
});
