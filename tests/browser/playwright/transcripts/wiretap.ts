/** Stands between the page and the server, and tells in one order all that the two say to each other. */

import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { frameReader } from "../../src/messages.js";

/** What a page or the server does on the wire. */
export type Said =
  | { page: unknown }
  | { server: unknown }
  /** The page closes. */
  | { close: number }
  /** The server closes. */
  | { closed: number }
  /** The body of a poll, and what it is answered with. */
  | { poll: unknown }
  | { answer: unknown };

const POLL = /^\/v1\/apps\/[^/]+\/poll$/;

export class Wiretap {
  /** As a network that lets no socket through. */
  refuses = false;
  private readonly sockets = new Set<Duplex>();
  private readonly http: Server;

  private constructor(
    private readonly server: { host: string; port: number },
    private readonly tell: (said: Said) => void,
  ) {
    this.http = createServer((incoming, response) => this.pass(incoming, response));
    this.http.on("upgrade", (incoming: IncomingMessage, socket: Duplex) => this.join(incoming, socket));
  }

  /** In front of the server at this address. */
  static async start(address: string, tell: (said: Said) => void): Promise<Wiretap> {
    const [host = "", port] = address.split(":");
    const tap = new Wiretap({ host, port: Number(port) }, tell);
    await new Promise<void>((resolve, reject) => {
      tap.http.once("error", reject);
      tap.http.listen(0, "127.0.0.1", resolve);
    });
    return tap;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    const closed = new Promise((resolve) => this.http.close(resolve));
    this.http.closeAllConnections();
    await closed;
  }

  private pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, headers, url = "/" } = incoming;
    const polls = method == "POST" && POLL.test(url);
    const outgoing = request({ ...this.server, method, headers, path: url, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (polls) whole(answer, (text) => this.tell({ answer: JSON.parse(text) as unknown }));
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    if (polls) whole(incoming, (text) => this.tell({ poll: JSON.parse(text) as unknown }));
    incoming.pipe(outgoing);
  }

  private join(incoming: IncomingMessage, page: Duplex): void {
    page.on("error", () => page.destroy());
    if (this.refuses) return void page.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
    const server: Socket = connect(this.server);
    const both = [page, server];
    server.setNoDelay(true);
    for (const socket of both) {
      this.sockets.add(socket);
      socket.on("close", () => {
        this.sockets.delete(socket);
        for (const other of both) other.destroy();
      });
    }
    server.on("error", () => server.destroy());

    const { "sec-websocket-extensions": _, ...headers } = incoming.headers;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    server.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join("")}\r\n`);

    // Whoever closes first says why; the other only repeats it.
    let ending = false;
    const close = (said: Said) => {
      if (!ending) this.tell(said);
      ending = true;
    };
    const fromPage = frameReader((message) => {
      if ("close" in message) close({ close: message.close });
      else this.tell({ page: JSON.parse(message.text) as unknown });
    });
    const fromServer = frameReader((message) => {
      if ("close" in message) close({ closed: message.close });
      else this.tell({ server: JSON.parse(message.text) as unknown });
    });
    page.on("data", (bytes: Buffer) => {
      fromPage(bytes);
      server.write(bytes);
    });
    page.on("end", () => server.end());
    server.on("end", () => page.end());
    let head: Buffer | undefined = Buffer.alloc(0);
    server.on("data", (bytes: Buffer) => {
      page.write(bytes);
      if (!head) return fromServer(bytes);
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      fromServer(head.subarray(end + 4));
      head = undefined;
    });
  }
}

function whole(message: IncomingMessage, tell: (text: string) => void): void {
  const parts: Buffer[] = [];
  message.on("data", (part: Buffer) => parts.push(part));
  message.on("end", () => tell(Buffer.concat(parts).toString()));
}
