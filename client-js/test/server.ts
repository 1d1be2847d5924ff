/** A Freshwire server's side of the wire, over real sockets and polls, that says only what a test tells it to. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { Hello, PageFrame, ServerFrame } from "../src/core/wire.js";

export interface Peer {
  hello: Hello;
  /** Everything after the hello. */
  frames: PageFrame[];
  closed?: number;
  send(frame: ServerFrame | Record<string, unknown> | string): void;
  close(code: number): void;
}

export type PollBody = Hello & { frames: PageFrame[] };

export interface Server {
  url: string;
  peers: Peer[];
  /** Answers every hello with a welcome that carries these. */
  welcome: Record<string, unknown>;
  /** Whether sockets get through. */
  sockets: boolean;
  /** How often a socket was tried. */
  tried: number;
  /** What was polled with, oldest first. */
  polls: PollBody[];
  /** A poll's answer, but for its welcome. */
  polled: Record<string, unknown>;
  /** Of a poll's answer. */
  code: number;
  stop(): Promise<void>;
}

const SESSION = { session: "s-1", resume: "r-1", node: "n-1" };

export async function listen(): Promise<Server> {
  const http = createServer(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    server.polls.push(JSON.parse(text) as PollBody);
    response.writeHead(server.code, { "content-type": "application/json" });
    response.end(JSON.stringify({ welcome: { ...SESSION, ...server.welcome }, ...server.polled }));
  });
  const wss = new WebSocketServer({ noServer: true, handleProtocols: () => "freshwire.v1" });
  http.on("upgrade", (request, socket, head) => {
    server.tried++;
    if (!server.sockets) return void socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    wss.handleUpgrade(request, socket, head, (made) => wss.emit("connection", made));
  });
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
  const server: Server = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    peers: [],
    welcome: { standing: "unknown", why: null, current: null },
    sockets: true,
    tried: 0,
    polls: [],
    polled: { notice: null, pushes: [], next_s: 0.02 },
    code: 200,
    stop: () =>
      new Promise((stopped) => {
        for (const socket of wss.clients) socket.terminate();
        http.close(() => stopped());
        http.closeAllConnections();
      }),
  };
  wss.on("connection", (socket: WebSocket) => {
    let peer: Peer | undefined;
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data)) as PageFrame;
      if (peer) return void peer.frames.push(frame);
      const made: Peer = (peer = {
        hello: frame as Hello,
        frames: [],
        send: (what) => socket.send(typeof what == "string" ? what : JSON.stringify(what)),
        close: (code) => socket.close(code),
      });
      server.peers.push(made);
      made.send({ type: "welcome", ...SESSION, ...server.welcome });
    });
    socket.on("close", (code) => peer && (peer.closed = code));
  });
  return server;
}
