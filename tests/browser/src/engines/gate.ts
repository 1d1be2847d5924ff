/**
 * Stands between pages and the server: refuses sockets as a proxy of a company's may, refuses everything, or falls
 * silent as a cable does that was pulled; keeps back what the server says, or says something that the server never
 * would. And it hears what the two say to each other.
 */

import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { onTestFinished } from "vitest";
import { A, type Freshwire } from "../freshwire.js";
import { frameReader } from "../messages.js";
import type { Site } from "../site.js";
import type { Here } from "./behaviour.js";

export interface Frame {
  type: string;
  [field: string]: unknown;
}

export class Gate {
  /** Upgrade requests are answered with 403. */
  refusesSockets = false;
  /** Paths that are answered with 404. */
  lacks: RegExp | undefined;
  /** Paths whose answers break off before they begin. */
  drops: RegExp | undefined;
  /** So many sockets were asked for. */
  asked = 0;
  /** So many got through. */
  opened = 0;
  /** So many connections were refused. */
  refused = 0;
  /** What pages said over sockets that got through, and what the server said, over all connections. */
  readonly sent: Frame[] = [];
  readonly received: Frame[] = [];

  private shut = false;
  private muted = false;
  private kept: (() => void)[] = [];
  private unplugged = false;
  private later: (() => void)[] = [];
  private readonly connections = new Set<Socket>();
  private readonly pages = new Set<Duplex>();

  private constructor(
    private readonly server: Server,
    private readonly host: string,
    private readonly port: number,
  ) {}

  /** Ends with the test. `address`: of what stands behind it, as host:port. */
  static async start(freshwire: Pick<Freshwire, "address">): Promise<Gate> {
    const [host, port] = freshwire.address.split(":") as [string, string];
    const server = createServer();
    const gate = new Gate(server, host, Number(port));
    server.on("connection", (socket) => gate.connection(socket));
    server.on("request", (asked, answer) => gate.pass(asked, answer));
    server.on("upgrade", (asked, page) => gate.upgrade(asked, page));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      gate.cut();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    });
    return gate;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The notices that came through. */
  get notices(): Frame[] {
    return this.received.filter(({ type }) => type == "notice");
  }

  /** What pages told of themselves, in order. */
  get outcomes(): string[] {
    return this.sent.filter(({ type }) => type == "outcome").map(({ is }) => String(is));
  }

  /** Nothing gets through any more, and what was open is closed. */
  cut(): void {
    this.shut = true;
    for (const socket of this.connections) socket.destroy();
  }

  /** Nothing gets through any more; of what was open neither side hears anything, not even that the other has gone. */
  unplug(): void {
    this.shut = this.unplugged = true;
  }

  heal(): void {
    this.shut = this.unplugged = false;
    this.refusesSockets = false;
    for (const act of this.later.splice(0)) act();
  }

  /** What the server says to sockets is kept back, but for its agreement to them. */
  mute(): void {
    this.muted = true;
  }

  unmute(): void {
    this.muted = false;
    for (const say of this.kept.splice(0)) say();
  }

  /** A text frame to all pages, as if it were the server's. */
  say(text: string): void {
    const bytes = Buffer.from(text);
    const head =
      bytes.length < 126 ? [0x81, bytes.length] : [0x81, 126, bytes.length >> 8, bytes.length & 255];
    for (const page of this.pages) page.write(Buffer.concat([Buffer.from(head), bytes]));
  }

  /** A close frame to all pages. */
  close(code: number): void {
    for (const page of this.pages) page.end(Buffer.from([0x88, 2, code >> 8, code & 255]));
  }

  /** Now, or once the cable is plugged in again. */
  private whenPlugged(act: () => void): void {
    if (this.unplugged) this.later.push(act);
    else act();
  }

  private connection(socket: Socket): void {
    socket.on("error", () => undefined);
    if (this.shut) {
      this.refused++;
      return void socket.destroy();
    }
    this.connections.add(socket);
    socket.once("close", () => this.connections.delete(socket));
  }

  private pass(asked: IncomingMessage, answer: ServerResponse): void {
    const { method, url, headers } = asked;
    // A connection that was kept open since before.
    if (this.unplugged || this.drops?.test(url!)) return void answer.destroy();
    if (this.lacks?.test(url!)) return void answer.writeHead(404).end();
    const passed = request({ host: this.host, port: this.port, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode!, response.headers);
      response.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  }

  private upgrade({ url, headers }: IncomingMessage, page: Duplex): void {
    this.asked++;
    page.on("error", () => undefined);
    if (this.unplugged) return void page.destroy();
    if (this.refusesSockets) {
      this.refused++;
      return void page.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    }
    const server = connect(this.port, this.host);
    server.on("error", () => undefined);
    server.on("end", () => this.whenPlugged(() => page.end()));
    server.on("close", (failed) => this.whenPlugged(() => (failed ? page.destroy() : page.end())));
    page.on("end", () => this.whenPlugged(() => server.end()));
    page.on("close", () => this.whenPlugged(() => server.destroy()));
    // What is heard here is read as it comes.
    const { "sec-websocket-extensions": _, ...others } = headers;
    const lines = Object.entries(others).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    server.write(`GET ${url} HTTP/1.1\r\n${lines.join("")}\r\n`);

    const fromPage = hearing(this.sent);
    page.on("data", (bytes: Buffer) =>
      this.whenPlugged(() => {
        fromPage(bytes);
        server.write(bytes);
      }),
    );
    const fromServer = hearing(this.received);
    let head: Buffer | undefined = Buffer.alloc(0);
    server.on("data", (bytes: Buffer) => {
      const say = () =>
        this.whenPlugged(() => {
          page.write(bytes);
        });
      if (!head) {
        fromServer(bytes);
        if (this.muted) this.kept.push(say);
        else say();
        return;
      }
      say();
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      fromServer(head.subarray(end + 4));
      head = undefined;
      this.opened++;
      this.pages.add(page);
      page.once("close", () => this.pages.delete(page));
    });
  }
}

const hearing = (into: Frame[]) =>
  frameReader((message) => {
    if ("text" in message) into.push(JSON.parse(message.text) as Frame);
  });

export interface Gated {
  app: string;
  site: Site;
  gate: Gate;
}

/** A shop whose pages reach the server through a gate; `head` stands before the script tag. */
export async function gated({ shop, freshwire }: Here, head = ""): Promise<Gated> {
  const { app, site } = await shop(A);
  const gate = await Gate.start(freshwire);
  site.head = (build) => head + site.tag(build).replaceAll(freshwire.origin, gate.origin);
  return { app, site, gate };
}
