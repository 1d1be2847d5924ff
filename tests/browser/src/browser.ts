/** Debian's Chromium with a fresh profile, and pages that remember all that was said and all that went wrong. */

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from "playwright-core";
import { PATIENCE_MS, until } from "./until.js";

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

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: FLAGS,
    // Or no page would ever come back from the back/forward cache.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    timeout: 60_000,
  });

/** A browser in which a tab behind another is really hidden: playwright's own makes every page believe it is in view. */
export async function launchWithTabs(): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), "freshwire-profile-"));
  const child = spawn(
    CHROMIUM,
    // Its own first tab goes from one page to another while it is being attached to, which may then never end.
    [
      ...FLAGS,
      "--headless",
      "--no-startup-window",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
    ],
    { stdio: "ignore" },
  );
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const drivenAt = async () => {
    if (child.exitCode != null) throw new Error(`the browser ended with ${child.exitCode}`);
    const lines = (await readFile(join(profile, "DevToolsActivePort"), "utf8").catch(() => "")).split("\n");
    return lines.length > 1 && lines;
  };
  const [port, path] = await until("the browser can be driven", drivenAt, 90_000);
  const options = { noDefaults: true, timeout: 60_000 };
  const attached = chromium.connectOverCDP(`ws://127.0.0.1:${port}${path}`, options);
  // What can't be driven can't be asked to close either.
  attached.catch(() => child.kill());
  const browser = await attached;
  return {
    context: browser.contexts()[0]!,
    async close() {
      await (await browser.newBrowserCDPSession()).send("Browser.close").catch(() => undefined);
      await gone;
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

export interface Frame {
  type: string;
  [field: string]: unknown;
}

export interface Watched {
  page: Page;
  /** Frames that Freshwire's sockets brought, over all connections. */
  received: Frame[];
  sent: Frame[];
  /** Errors that nobody caught. */
  errors: string[];
  /** How many sockets were opened. */
  sockets(): number;
}

/** From now on, everything that this page says, hears and throws. */
export function watch(page: Page): Watched {
  const received: Frame[] = [];
  const sent: Frame[] = [];
  const errors: string[] = [];
  let sockets = 0;
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("websocket", (socket) => {
    sockets++;
    const note = (into: Frame[]) => (data: { payload: string | Buffer }) => {
      into.push(JSON.parse(String(data.payload)) as Frame);
    };
    socket.on("framereceived", note(received));
    socket.on("framesent", note(sent));
  });
  return { page, received, sent, errors, sockets: () => sockets };
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

export const notices = ({ received }: Watched) => received.filter(({ type }) => type == "notice");
export const outcomes = ({ sent }: Watched) =>
  sent.filter(({ type }) => type == "outcome").map(({ is }) => String(is));

/** The build that the page in front of the user runs. */
export const running = (page: Page) =>
  page.evaluate(() => document.querySelector<HTMLElement>("#build")?.dataset.build);

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

/**
 * What moves the page is there: it can't be had any more once the server is gone. As text, or the test runner would
 * take the import for its own.
 */
export const movable = (page: Page) =>
  page.waitForFunction(`(async () => {
    const part = performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/go.mjs"));
    return part && !!(await import(part.name));
  })()`);

/** Back in the tab's history, which may bring a page from the back/forward cache: that one fires no `load`. */
export async function goBack(page: Page, url: string): Promise<void> {
  // The call may or may not live to give its answer.
  await page.evaluate(() => history.back()).catch(() => undefined);
  await until("the page is back", () => page.url() == url);
}

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
