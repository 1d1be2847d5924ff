/** A Freshwire server's side of the wire, over real sockets, that says only what a test tells it to. */

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

export interface Server {
  url: string;
  peers: Peer[];
  /** Answers every hello with a welcome that carries these. */
  welcome: Record<string, unknown>;
  stop(): Promise<void>;
}

export async function listen(): Promise<Server> {
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "freshwire.v1" });
  await new Promise((listening) => wss.once("listening", listening));
  const server: Server = {
    url: `http://127.0.0.1:${(wss.address() as AddressInfo).port}`,
    peers: [],
    welcome: { standing: "unknown", why: null, current: null },
    stop: () =>
      new Promise((stopped) => {
        for (const socket of wss.clients) socket.terminate();
        wss.close(() => stopped());
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
      made.send({ type: "welcome", session: "s-1", resume: "r-1", node: "n-1", ...server.welcome });
    });
    socket.on("close", (code) => peer && (peer.closed = code));
  });
  return server;
}
