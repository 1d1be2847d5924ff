/** WebKit: Debian's MiniBrowser by WebKitWebDriver, on a display of its own. What it can't do is said where it is missing. */

import type { ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import { quietPort } from "../ports.js";
import { remove } from "../temporary.js";
import { seen, until } from "../until.js";
import {
  offerDuplicate,
  spotOf,
  untilInPage,
  type Awaited,
  type Engine,
  type Profile,
  type Tab,
} from "./engine.js";
import { end, home, mustLive, program, start as startProgram } from "./programs.js";
import { WebDriver, chord } from "./webdriver.js";

const DRIVER = process.env.WEBKIT_DRIVER ?? "/usr/bin/WebKitWebDriver";
const CAPABILITIES = { browserName: "MiniBrowser" };

export async function webkit(): Promise<Engine> {
  const driver = program(DRIVER, "webkit2gtk-driver");
  // It knows by itself where MiniBrowser is.
  const [path] = /[\w./-]+\/MiniBrowser/.exec(await readFile(driver, "latin1")) ?? ["MiniBrowser"];
  const miniBrowser = program(path, "webkit2gtk-driver");
  // There is no headless mode.
  const display = await startDisplay(program(process.env.XVFB ?? "/usr/bin/Xvfb", "xvfb"));
  const own = await home();
  const env = {
    ...own.env,
    DISPLAY: display.name,
    GDK_BACKEND: "x11",
    WEBKIT_DISABLE_COMPOSITING_MODE: "1",
    LIBGL_ALWAYS_SOFTWARE: "1",
    // No session bus, no accessibility bus.
    NO_AT_BRIDGE: "1",
    GTK_A11Y: "none",
  };
  try {
    // The driver has one session, and no cookies apart within it: a profile is a browser. The first is ready at once.
    let ready: WebDriver | undefined = await start(driver, miniBrowser, env);
    return {
      name: "webkit",
      version: `WebKitGTK/${String(ready.capabilities.browserVersion)}`,
      async profile() {
        const browser = ready ?? (await start(driver, miniBrowser, env));
        ready = undefined;
        return new WebKitProfile(browser, (await browser.windows())[0]!);
      },
      async close() {
        await ready?.close();
        await end(display.child);
        await remove(own.folder);
      },
    };
  } catch (error) {
    await end(display.child);
    throw error;
  }
}

/**
 * A browser and its driver. Left to start the browser by itself, the driver would tell it a port that any other program
 * may be given before it, and wait for ever. With `--automation` there is storage in memory alone.
 */
async function start(driver: string, miniBrowser: string, env: NodeJS.ProcessEnv): Promise<WebDriver> {
  const address = `127.0.0.1:${await quietPort()}`;
  const browser = startProgram(miniBrowser, ["--automation"], {
    env: { ...env, WEBKIT_INSPECTOR_SERVER: address },
    stdio: "ignore",
  });
  return WebDriver.start(driver, env, browser, address, CAPABILITIES);
}

/** The server picks a number that nobody has, and tells it on its fourth channel. */
async function startDisplay(xvfb: string): Promise<{ child: ChildProcess; name: string }> {
  // Without a client it would begin anew, and refuse those that come meanwhile.
  const screen = ["-screen", "0", "1280x1000x24", "-noreset"];
  const child = startProgram(xvfb, ["-displayfd", "3", ...screen, "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  let number = "";
  (child.stdio[3] as Readable).on("data", (text: Buffer) => (number += String(text)));
  await until("there is a display", () => {
    mustLive(child, xvfb);
    return number.endsWith("\n");
  });
  return { child, name: `:${number.trim()}` };
}

class WebKitProfile implements Profile {
  /** `spare` is the window that it came with: the browser ends with its last one. */
  constructor(
    readonly browser: WebDriver,
    private readonly spare: string,
  ) {}

  async tab(url?: string): Promise<Tab> {
    // Tabs of one window can't be brought to the front by the driver; windows can be put away and fetched back.
    const { handle } = await this.browser.command<{ handle: string }>("POST", "/window/new", {
      type: "window",
    });
    const tab = new WebKitTab(this, handle);
    await this.inFront(handle);
    if (url) await tab.goto(url);
    return tab;
  }

  /** Puts all other windows away; so their pages are hidden. */
  async inFront(window: string): Promise<void> {
    for (const other of await this.browser.windows()) {
      if (other != window) await this.browser.command("POST", "/window/minimize", {}, other);
    }
    // Restores it, too.
    await this.browser.command("POST", "/window/rect", { x: 0, y: 0, width: 1000, height: 800 }, window);
  }

  async opened(before: string[]): Promise<Tab> {
    const others = (windows: string[]) => windows.filter((window) => !before.includes(window));
    const windows = await seen(
      "a window was opened",
      () => this.browser.windows(),
      (now) => others(now).length > 0,
    );
    const [handle] = others(windows) as [string];
    await this.inFront(handle);
    return new WebKitTab(this, handle);
  }

  async closed(window: string): Promise<void> {
    await this.browser.command("DELETE", "/window", undefined, window);
    const left = (await this.browser.windows()).filter((other) => other != this.spare);
    if (left.length) await this.inFront(left.at(-1)!);
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}

/** What an evaluation came to; nothing yet, if its promise isn't settled. */
type Settled<T> = { value?: T } | { error: string } | null;

/** In the page, `fn` with `args`. A promise leaves its result there: a script that waits would keep all windows waiting. */
const starting = (fn: string) => `const [args, id] = arguments;
const later = (window[Symbol.for("evaluations")] ??= {});
const failed = (error) => ({ error: String(error) });
try {
  const value = (${fn})(...args);
  if (typeof value?.then != "function") return { value };
  later[id] = null;
  value.then((value) => (later[id] = { value }), (error) => (later[id] = failed(error)));
  return null;
} catch (error) {
  return failed(error);
}`;
const ASKING = `const later = window[Symbol.for("evaluations")];
return later && arguments[0] in later ? later[arguments[0]] : { error: "the document was left" };`;

let evaluations = 0;

class WebKitTab implements Tab {
  private readonly browser: WebDriver;

  constructor(
    private readonly profile: WebKitProfile,
    private readonly window: string,
  ) {
    this.browser = profile.browser;
  }

  async goto(url: string): Promise<void> {
    await this.command("POST", "/url", { url });
  }

  async evaluate<T, A extends unknown[]>(fn: (...args: A) => T | Promise<T>, ...args: A): Promise<T> {
    const id = ++evaluations;
    const first = await this.browser.execute<Settled<T>>(this.window, starting(String(fn)), [args, id]);
    const settled =
      first ??
      (await until("the evaluation's promise is settled", () =>
        this.browser.execute<Settled<T>>(this.window, ASKING, [id]),
      ));
    if ("error" in settled) throw new Error(settled.error);
    return settled.value as T;
  }

  until<T, A extends unknown[]>(what: Awaited, fn: (...args: A) => T | Promise<T>, ...args: A) {
    return untilInPage(this, what, fn, ...args);
  }

  async click(selector: string): Promise<void> {
    const { x, y } = await spotOf(this, selector);
    await this.act("pointer", [
      { type: "pointerMove", x, y, origin: "viewport", duration: 0 },
      { type: "pointerDown", button: 0 },
      { type: "pointerUp", button: 0 },
    ]);
  }

  async type(selector: string, text: string): Promise<void> {
    await this.click(selector);
    await this.act(
      "key",
      [...text].flatMap((character) => chord([character])),
    );
  }

  press(key: string): Promise<void> {
    return this.act("key", chord(key.split("+")));
  }

  front(): Promise<void> {
    return this.profile.inFront(this.window);
  }

  async reload(): Promise<void> {
    await this.command("POST", "/refresh");
  }

  async back(): Promise<void> {
    await this.command("POST", "/back");
  }

  async duplicate(): Promise<Tab> {
    const before = await this.browser.windows();
    await this.front();
    await this.evaluate(offerDuplicate, "duplicate");
    await this.click("#duplicate");
    return this.profile.opened(before);
  }

  /** WebDriver has no log, and this WebKit is built without BiDi. */
  errors(): string[] {
    return [];
  }

  console(): string[] {
    return [];
  }

  dialogs(): string[] {
    return [];
  }

  close(): Promise<void> {
    return this.profile.closed(this.window);
  }

  private async act(type: "pointer" | "key", actions: object[]): Promise<void> {
    await this.command("POST", "/actions", { actions: [{ type, id: type, actions }] });
  }

  private command(method: string, path: string, body?: object): Promise<unknown> {
    return this.browser.command(method, path, body, this.window);
  }
}
