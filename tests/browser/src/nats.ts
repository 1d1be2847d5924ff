/** A real nats-server with JetStream, on a port and in a folder of its own. */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { end, endWithUs, program } from "./engines/programs.js";
import { quietPort } from "./ports.js";
import { until } from "./until.js";

export class Nats {
  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
    private readonly port: number,
  ) {}

  static async start(): Promise<Nats> {
    const folder = await mkdtemp(join(tmpdir(), "freshwire-nats-"));
    const port = await quietPort();
    const path = program("/usr/sbin/nats-server", "nats-server");
    const child = spawn(path, ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder], {
      stdio: "ignore",
    });
    endWithUs(child);
    await until("nats-server listens", () => {
      if (child.exitCode != null) throw new Error(`nats-server ended with ${child.exitCode}`);
      return listens(port);
    });
    return new Nats(folder, child, port);
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await end(this.child);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 });
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
