/** Chromium over its own protocol, Firefox over WebDriver BiDi. Not by playwright: in its profiles no tab is ever hidden. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import puppeteer, {
  type Browser,
  type BrowserContext,
  type KeyInput,
  type LaunchOptions,
  type Page,
} from "puppeteer-core";
import { remove } from "../temporary.js";
import { PATIENCE_MS, seen } from "../until.js";
import {
  offerDuplicate,
  spotOf,
  untilInPage,
  type Awaited,
  type Engine,
  type EngineName,
  type Profile,
  type Tab,
} from "./engine.js";
import { home, leashed, program, type Home } from "./programs.js";

/** A busy machine reads a browser from its disk for the first time. */
const LAUNCH_MS = 120_000;

export async function chromium(): Promise<Engine> {
  const path = program(process.env.CHROMIUM ?? "/usr/bin/chromium", "chromium");
  const own = await home();
  return launch("chromium", own, {
    executablePath: await leashed(path, own.folder),
    // Puppeteer's own would turn the back/forward cache off.
    ignoreDefaultArgs: true,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Its own is so low that a line at the bottom covers what nobody can scroll away from.
      "--window-size=1280,900",
      `--user-data-dir=${join(own.folder, "profile")}`,
    ],
  });
}

export const firefox = () => launchFirefox("firefox", {});

/** As Firefox was before it had the Navigation API, and as browsers are that people still have. */
export const firefoxWithoutNavigation = () =>
  launchFirefox("firefox-without-navigation", { "dom.navigation.webidl.enabled": false });

async function launchFirefox(name: EngineName, preferences: Record<string, unknown>): Promise<Engine> {
  const path = program(process.env.FIREFOX ?? "/usr/bin/firefox-esr", "firefox-esr");
  const own = await home();
  const profile = join(own.folder, "profile");
  await mkdir(profile);
  return launch(name, own, {
    browser: "firefox",
    executablePath: await leashed(path, own.folder),
    headless: true,
    userDataDir: profile,
    // Puppeteer's own turns the back/forward cache off by the first.
    extraPrefsFirefox: { "fission.bfcacheInParent": true, ...preferences },
  });
}

async function launch(name: EngineName, own: Home, options: LaunchOptions): Promise<Engine> {
  const browser = await puppeteer.launch({
    ...options,
    env: own.env,
    defaultViewport: null,
    timeout: LAUNCH_MS,
    protocolTimeout: PATIENCE_MS,
    // See programs.ts.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  return new PuppetEngine(name, await browser.version(), browser, own);
}

class PuppetEngine implements Engine {
  constructor(
    readonly name: EngineName,
    readonly version: string,
    private readonly browser: Browser,
    private readonly own: Home,
  ) {}

  async profile(): Promise<Profile> {
    return new PuppetProfile(await this.browser.createBrowserContext());
  }

  async close(): Promise<void> {
    await this.browser.close();
    await remove(this.own.folder);
  }
}

class PuppetProfile implements Profile {
  constructor(private readonly context: BrowserContext) {}

  async tab(url?: string): Promise<Tab> {
    const tab = new PuppetTab(await this.context.newPage());
    if (url) await tab.goto(url);
    return tab;
  }

  close(): Promise<void> {
    return this.context.close();
  }
}

/** Firefox reports these as errors, though nothing was thrown. */
const COMPLAINT =
  /Cross-Origin Request Blocked|disallowed MIME type|Content-Security-Policy|can’t establish a connection|was interrupted/;

export class PuppetTab implements Tab {
  private readonly uncaught: string[] = [];
  private readonly said: string[] = [];
  private readonly shown: string[] = [];

  constructor(readonly page: Page) {
    page.on("pageerror", (error) => {
      const text = String(error);
      (COMPLAINT.test(text) ? this.said : this.uncaught).push(text);
    });
    page.on("console", (message) => this.said.push(`${message.type()}: ${message.text()}`));
    // Nobody answers, as if the user closed it.
    page.on("dialog", (dialog) => {
      this.shown.push(dialog.type());
      void dialog.dismiss().catch(() => undefined);
    });
  }

  goto(url: string): Promise<void> {
    return this.anew(() => this.page.goto(url));
  }

  evaluate<T, A extends unknown[]>(fn: (...args: A) => T | Promise<T>, ...args: A): Promise<T> {
    return this.page.evaluate(fn as never, ...args) as Promise<T>;
  }

  until<T, A extends unknown[]>(what: Awaited, fn: (...args: A) => T | Promise<T>, ...args: A) {
    return untilInPage(this, what, fn, ...args);
  }

  async click(selector: string): Promise<void> {
    const { x, y } = await spotOf(this, selector);
    await this.page.mouse.click(x, y);
  }

  async type(selector: string, text: string): Promise<void> {
    await this.click(selector);
    await this.page.keyboard.type(text);
  }

  async press(key: string): Promise<void> {
    const modifiers = key.split("+") as KeyInput[];
    const last = modifiers.pop()!;
    for (const modifier of modifiers) await this.page.keyboard.down(modifier);
    await this.page.keyboard.press(last);
    for (const modifier of modifiers.reverse()) await this.page.keyboard.up(modifier);
  }

  front(): Promise<void> {
    return this.page.bringToFront();
  }

  reload(): Promise<void> {
    return this.anew(() => this.page.reload());
  }

  async back(): Promise<void> {
    const before = await this.born();
    // Not `goBack()`: that one awaits a `load`, which a page from the back/forward cache doesn't fire.
    await this.page.evaluate(() => history.back()).catch(() => undefined);
    await this.another(before);
  }

  async duplicate(): Promise<Tab> {
    const context = this.page.browserContext();
    const opened = new Promise<Page>((resolve, reject) =>
      context.once("targetcreated", (target) => {
        target.page().then((page) => resolve(page!), reject);
      }),
    );
    await this.front();
    await this.page.evaluate(offerDuplicate, "duplicate");
    await this.click("#duplicate");
    return new PuppetTab(await opened);
  }

  errors(): string[] {
    return [...this.uncaught];
  }

  console(): string[] {
    return [...this.said];
  }

  dialogs(): string[] {
    return [...this.shown];
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  /** The first navigation after a return from the back/forward cache never ends for puppeteer in Firefox: look ourselves. */
  private async anew(navigate: () => Promise<unknown>): Promise<void> {
    const before = await this.born();
    const failed = new Promise<never>((_, reject) => {
      navigate().catch((error: Error) => error.name != "TimeoutError" && reject(error));
    });
    await Promise.race([failed, this.another(before)]);
  }

  /** When the document's time began: no two documents share it. */
  private born(): Promise<number> {
    return this.page.evaluate(() => performance.timeOrigin);
  }

  private async another(before: number): Promise<void> {
    await seen(
      "another document is there",
      () => this.page.evaluate(() => [performance.timeOrigin, document.readyState, location.href] as const),
      ([born, state]) => born != before && state == "complete",
    );
  }
}
