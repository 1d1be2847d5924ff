/**
 * Stands between pages and the server: refuses sockets as a proxy of a company's may, refuses everything as a pulled
 * cable does, keeps back what the server says, or says something that the server never would.
 */

import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { onTestFinished } from "vitest";
import type { Freshwire } from "../freshwire.js";

export class Gate {
  /** Upgrade requests are answered with 403. */
  refusesSockets = false;
  /** Paths that are answered with 404. */
  lacks: RegExp | undefined;
  /** So many sockets got through. */
  opened = 0;
  /** So many were asked for in vain. */
  refused = 0;

  private shut = false;
  private muted = false;
  private kept: (() => void)[] = [];
  private readonly connections = new Set<Socket>();
  private readonly pages = new Set<Duplex>();

  private constructor(
    private readonly server: Server,
    private readonly host: string,
    private readonly port: number,
  ) {}

  /** Ends with the test. */
  static async start(freshwire: Freshwire): Promise<Gate> {
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

  /** Nothing gets through any more, and what was open is closed. */
  cut(): void {
    this.shut = true;
    for (const socket of this.connections) socket.destroy();
  }

  heal(): void {
    this.shut = false;
    this.refusesSockets = false;
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
    if (this.lacks?.test(url!)) return void answer.writeHead(404).end();
    const passed = request({ host: this.host, port: this.port, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode!, response.headers);
      response.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  }

  private upgrade({ url, rawHeaders }: IncomingMessage, page: Duplex): void {
    page.on("error", () => undefined);
    if (this.refusesSockets) {
      this.refused++;
      return void page.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    }
    const server = connect(this.port, this.host);
    server.on("error", () => page.destroy());
    server.on("close", () => page.destroy());
    page.on("close", () => server.destroy());
    const headers = rawHeaders.map((word, n) => word + (n % 2 ? "\r\n" : ": ")).join("");
    server.write(`GET ${url} HTTP/1.1\r\n${headers}\r\n`);
    page.pipe(server);
    let agreed = false;
    server.on("data", (bytes: Buffer) => {
      const say = () => page.write(bytes);
      if (agreed && this.muted) this.kept.push(say);
      else say();
      if (agreed) return;
      agreed = true;
      this.opened++;
      this.pages.add(page);
      page.once("close", () => this.pages.delete(page));
    });
  }
}
