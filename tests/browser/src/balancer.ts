/** A balancer in its simplest form: bytes go to the first node that is there. */

import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class Balancer {
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /** `nodes`: as host:port, in the order in which they are tried. */
  static async start(nodes: string[]): Promise<Balancer> {
    const server = createServer();
    const balancer = new Balancer(server);
    server.on("connection", (socket) => balancer.pass(balancer.kept(socket), nodes));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return balancer;
  }

  /** As host:port. */
  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.sockets.forEach((socket) => socket.destroy());
    await closed;
  }

  private pass(socket: Socket, [node, ...others]: string[]): void {
    if (!node) return void socket.destroy();
    const [host, port] = node.split(":");
    const there = this.kept(connect(Number(port), host));
    const next = () => this.pass(socket, others);
    there.once("error", next);
    there.once("connect", () => {
      there.off("error", next);
      socket.pipe(there).pipe(socket);
      // Who ends one half abruptly ends both.
      socket.once("close", () => there.destroy());
      there.once("close", () => socket.destroy());
    });
  }

  private kept(socket: Socket): Socket {
    this.sockets.add(socket);
    // A socket that fails closes, and that is all that is to be known of it.
    socket.on("error", () => undefined);
    socket.once("close", () => this.sockets.delete(socket));
    return socket;
  }
}
