/** A real nats-server with JetStream, on a port and in a folder of its own. */

import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { end, mustLive, server, start } from "./engines/programs.js";
import { quietPort } from "./ports.js";
import { remove, temporary } from "./temporary.js";
import { until } from "./until.js";

export class Nats {
  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
    private readonly port: number,
  ) {}

  static async start(): Promise<Nats> {
    const folder = await temporary("nats");
    const port = await quietPort();
    const path = server("nats-server");
    const child = start(path, ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder], {
      stdio: "ignore",
    });
    await until("nats-server listens", () => {
      mustLive(child, "nats-server");
      return listens(port);
    });
    return new Nats(folder, child, port);
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await end(this.child);
    await remove(this.folder);
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
