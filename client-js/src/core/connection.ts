/** One socket at a time, kept up. Knows close codes and waiting; knows nothing of standings and notices. */

import { NO_SOCKET, retryAfter } from "./retry.js";
import { warn } from "./warn.js";
import { SUBPROTOCOL, type Hello, type PageFrame, type ServerFrame } from "./wire.js";

/** A connection that lived this long, welcomed, was stable: back-off starts afresh. */
const STABLE_MS = 30_000;

export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

export interface Connection {
  /** Sends now, or says that it couldn't. */
  send(frame: PageFrame): boolean;
  /** Connects now, unless connected, or told by the server to wait. */
  kick(): void;
  /** How often in a row it came to nothing. */
  failures(): number;
  /** Closes with a code and stays closed until the next kick. */
  close(code?: number): void;
}

/** `token` is asked before every connection, so a renewed one is used after 4103. */
export function connection(
  url: string,
  token: () => unknown,
  hello: (token: string | undefined) => Hello,
  onFrame: (frame: ServerFrame) => void,
  /** `code` is why a connection was lost. */
  onState: (state: ConnectionState, code?: number) => void,
): Connection {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let firm = false;
  let attempt = 0;
  let welcomed = 0;
  let reconnectAt = 0;
  let failed = 0;
  /** Everything that a superseded attempt still does is ignored by its turn. */
  let turn = 0;

  const wait = (code: number) => {
    if (welcomed && Date.now() - welcomed > STABLE_MS) attempt = 0;
    const [ms, told] = retryAfter(
      code,
      attempt++,
      performance.now(),
      reconnectAt ? reconnectAt - Date.now() : undefined,
    );
    if (!welcomed) {
      failed++;
      warn(`no connection to ${url} (${code}): see connect-src, app`);
    }
    socket = undefined;
    welcomed = reconnectAt = 0;
    firm = told;
    timer = setTimeout(open, ms);
    onState("waiting", code);
  };

  const stop = () => {
    turn++;
    clearTimeout(timer);
    firm = false;
  };

  const open = async () => {
    stop();
    const mine = turn;
    onState("connecting");
    let code = 0;
    try {
      const ticket = ((await token()) || undefined) as string | undefined;
      if (mine != turn) return;
      code = NO_SOCKET;
      const made = (socket = new WebSocket(url, SUBPROTOCOL));
      made.onopen = () => {
        if (mine == turn) made.send(JSON.stringify(hello(ticket)));
      };
      made.onmessage = ({ data }) => {
        if (mine != turn) return;
        let frame: ServerFrame;
        try {
          frame = JSON.parse(data);
          if (!frame.type) throw frame;
        } catch {
          return warn("malformed frame");
        }
        if (frame.type == "reconnect") reconnectAt = Date.now() + frame.in_ms;
        if (frame.type == "welcome") {
          welcomed = Date.now();
          failed = 0;
          onState("open");
        }
        onFrame(frame);
      };
      made.onclose = (event) => {
        if (mine == turn) wait(event.code);
      };
    } catch {
      if (mine == turn) wait(code);
    }
  };

  return {
    send(frame) {
      // The hello is the first on every socket that opens.
      const up = socket?.readyState == 1;
      if (up) socket!.send(JSON.stringify(frame));
      return up;
    },
    failures: () => failed,
    kick() {
      if (!socket && !firm) void open();
    },
    close(code) {
      stop();
      socket?.close(code);
      socket = undefined;
      welcomed = 0;
      onState("closed");
    },
  };
}
