/** As much of W3C WebDriver as we need: a driver's process, its one session, and commands in a given window. */

import type { ChildProcess } from "node:child_process";
import { quietPort } from "../ports.js";
import { PATIENCE_MS, shown, until } from "../until.js";
import { end, mustLive, start } from "./programs.js";

export class WebDriverError extends Error {
  constructor(
    /** As the standard names it: `no such window`. */
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

export class WebDriver {
  /** The window that commands go to. */
  private current = "";
  /** The command before. Window and command are two requests, and nothing may come between them. */
  private before: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly child: ChildProcess,
    private readonly browser: ChildProcess,
    private readonly session: string,
    readonly capabilities: Record<string, unknown>,
  ) {}

  /** Starts the driver of a browser that begins to listen at `address`. Ends both, at the latest by `close`. */
  static async start(
    program: string,
    env: NodeJS.ProcessEnv,
    browser: ChildProcess,
    address: string,
    capabilities: object,
  ): Promise<WebDriver> {
    // The driver would wait for it for ever.
    const gone = new Promise<never>((_, reject) => {
      browser.once("exit", (code) => reject(new Error(`the browser ended with ${code}`)));
    });
    gone.catch(() => undefined);
    const port = await quietPort();
    const child = start(program, [`--port=${port}`, `--target=${address}`], { env, stdio: "ignore" });
    const driver = `http://127.0.0.1:${port}`;
    try {
      await until("the driver listens", async () => {
        mustLive(child, program);
        return call("GET", `${driver}/status`).catch((error) => {
          if (error instanceof WebDriverError) return true;
          throw error;
        });
      });
      type Made = { sessionId: string; capabilities: Record<string, unknown> };
      const asked = { capabilities: { alwaysMatch: capabilities } };
      const made = await Promise.race([call<Made>("POST", `${driver}/session`, asked), gone]);
      return new WebDriver(child, browser, `${driver}/session/${made.sessionId}`, made.capabilities);
    } catch (error) {
      await Promise.all([end(child), end(browser)]);
      throw error;
    }
  }

  /** A command to the session, or to one of its windows. */
  command<T = unknown>(method: string, path: string, body?: object, window?: string): Promise<T> {
    const run = async () => {
      if (window && window != this.current) {
        await call("POST", `${this.session}/window`, { handle: window });
        this.current = window;
      }
      return call<T>(method, this.session + path, body);
    };
    const answer = this.before.then(run, run);
    this.before = answer.catch(() => undefined);
    return answer;
  }

  windows(): Promise<string[]> {
    return this.command("GET", "/window/handles");
  }

  execute<T>(window: string, script: string, args: unknown[]): Promise<T> {
    return this.command<T>("POST", "/execute/sync", { script, args }, window);
  }

  /** Ends the session, the browser and the driver. */
  async close(): Promise<void> {
    await this.command("DELETE", "").catch(() => undefined);
    await Promise.all([end(this.child), end(this.browser)]);
  }
}

async function call<T = unknown>(method: string, url: string, body?: object): Promise<T> {
  const sent = method == "POST" ? JSON.stringify(body ?? {}) : undefined;
  const asked = async () => {
    const response = await fetch(url, { method, body: sent, signal: AbortSignal.timeout(PATIENCE_MS) });
    const { value } = (await response.json()) as { value: T & { error: string; message: string } };
    return { response, value };
  };
  const { response, value } = await asked().catch((error) => {
    // By itself it says neither what was asked nor of whom.
    throw new Error(
      `WebDriver's ${method} ${new URL(url).pathname} got no answer: ${shown(error.cause ?? error)}`,
    );
  });
  if (!response.ok) throw new WebDriverError(value.error, value.message);
  return value;
}

const KEYS: Record<string, string> = {
  Backspace: "\uE003",
  Tab: "\uE004",
  Enter: "\uE007",
  Shift: "\uE008",
  Control: "\uE009",
  Alt: "\uE00A",
  Escape: "\uE00C",
  Space: " ",
  PageUp: "\uE00E",
  PageDown: "\uE00F",
  End: "\uE010",
  Home: "\uE011",
  ArrowLeft: "\uE012",
  ArrowUp: "\uE013",
  ArrowRight: "\uE014",
  ArrowDown: "\uE015",
  Delete: "\uE017",
};

/** Keys pressed one in the other: `["Shift", "Tab"]`. */
export function chord(keys: string[]) {
  const values = keys.map((key) => KEYS[key] ?? key);
  return [
    ...values.map((value) => ({ type: "keyDown", value })),
    ...values.reverse().map((value) => ({ type: "keyUp", value })),
  ];
}
