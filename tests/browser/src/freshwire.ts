/** The real server: started on port 0 with a folder of its own, called by its API, killed, restarted, stopped. */

import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { end, mustLive, start } from "./engines/programs.js";
import { quietPort } from "./ports.js";
import { remove, temporary } from "./temporary.js";
import { seen, until } from "./until.js";

const TOKEN = "admin-token-of-the-browser-tests";
const BUILT = fileURLToPath(new URL("../../../target/debug/freshwire", import.meta.url));
/** The program that is tested. */
export const BINARY = process.env.FRESHWIRE_BIN ?? BUILT;

/** A build and the version that its pages carry. */
export interface Build {
  build: string;
  version: string;
}

export const A: Build = { build: "a1a1a1a", version: "1.0.0" };
export const B: Build = { build: "b2b2b2b", version: "1.1.0" };
export const C: Build = { build: "c3c3c3c", version: "1.2.0" };

export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T;
}

export interface Session {
  campaign: number | null;
  session: string;
  /** Where it is connected. */
  node: string;
  build: string;
  standing: string;
  visible: boolean;
  holds: string[];
  state: string | null;
  outcome: string | null;
  detail: string | null;
  connected_at: string;
  frame: string;
  /** Of an embedded frame: the build of the page around it, where that can be read. */
  host: string | null;
  transport: string;
}

export interface Row {
  build: string;
  standing: string;
  sessions: number;
  visible: number;
  held: number;
  away: number;
}

export class Freshwire {
  private constructor(
    private readonly folder: string,
    private readonly flags: string[],
    private child: ChildProcess,
    readonly address: string,
  ) {}

  static async start(...flags: string[]): Promise<Freshwire> {
    const folder = await temporary("server");
    // It may be started again, on the same.
    const { child, address } = await run(folder, `127.0.0.1:${await quietPort()}`, flags);
    return new Freshwire(folder, flags, child, address);
  }

  get origin(): string {
    return `http://${this.address}`;
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    await end(this.child, "SIGKILL");
  }

  /** On the same address, with the same folder. */
  async restart(): Promise<void> {
    ({ child: this.child } = await run(this.folder, this.address, this.flags));
  }

  async stop(): Promise<void> {
    await end(this.child, "SIGKILL");
    await remove(this.folder);
  }

  /** Whatever the answer. */
  async call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(this.origin + path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : {}) as T };
  }

  /** The server must agree. */
  async done<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call<T>(method, path, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  release(app: string, build: Build, more: Record<string, unknown> = {}) {
    return this.done("POST", `/v1/apps/${app}/releases`, { ...build, ...more });
  }

  /** Everything below is to go. */
  minimum(app: string, { build }: Build, more: Record<string, unknown> = {}) {
    return this.done("PUT", `/v1/apps/${app}/minimum`, {
      build,
      reason: "CVE-2026-1234",
      over: "0s",
      ...more,
    });
  }

  retire(app: string, { build }: Build, more: Record<string, unknown> = {}) {
    const path = `/v1/apps/${app}/releases/${build}/retire`;
    return this.done("POST", path, { reason: "It loses orders", over: "0s", ...more });
  }

  async rows(app: string): Promise<Row[]> {
    return (await this.done<{ rows: Row[] }>("GET", `/v1/apps/${app}/census`)).rows;
  }

  /** Sessions by build, those with none left out. */
  async census(app: string): Promise<Record<string, number>> {
    const rows = (await this.rows(app)).filter(({ sessions }) => sessions > 0);
    return Object.fromEntries(rows.map(({ build, sessions }) => [build, sessions]));
  }

  async sessions(app: string, filter = ""): Promise<Session[]> {
    return (await this.done<{ sessions: Session[] }>("GET", `/v1/apps/${app}/sessions?${filter}`)).sessions;
  }

  /** Waits until the app has exactly one session, and until it is as wanted. */
  async theSession(app: string, what: string, as: (session: Session) => boolean): Promise<Session> {
    const found = await this.theSessions(app, `one that is ${what}`, ([one, ...others]) => {
      return one != undefined && others.length == 0 && as(one);
    });
    return found[0]!;
  }

  /** Waits until the app's sessions are as wanted. */
  theSessions(app: string, what: string, as: (sessions: Session[]) => boolean): Promise<Session[]> {
    return seen(`the sessions of ${app} are ${what}`, () => this.sessions(app), as);
  }

  /** Waits until the census of the app is as wanted. */
  theRows(app: string, what: string, as: (rows: Row[]) => boolean): Promise<Row[]> {
    return seen(`the census of ${app} shows ${what}`, () => this.rows(app), as);
  }
}

async function run(folder: string, listen: string, flags: string[]) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: run 'cargo build -p freshwire' first`);
  const file = join(folder, "address");
  await rm(file, { force: true });
  const args = ["serve", "--listen", listen, "--data", join(folder, "data"), "--addr-file", file, ...flags];
  const child = start(BINARY, args, {
    env: { ...process.env, FRESHWIRE_ADMIN_TOKEN: TOKEN },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr!.on("data", (text: Buffer) => (said = (said + String(text)).slice(-4_000)));
  const address = await until("the server listens", () => {
    mustLive(child, "the server", said);
    return readFile(file, "utf8").catch(() => "");
  });
  return { child, address: address.trim() };
}
