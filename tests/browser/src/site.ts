/** The app's own web server: a sample page that carries a build, and every way in which an origin can be wrong. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Build } from "./freshwire.js";
import { SCRIPT, STYLE, document as sample } from "./page.js";
import { quietPort } from "./ports.js";

const TYPES: Record<string, string> = {
  js: "text/javascript",
  css: "text/css",
  woff2: "font/woff2",
  html: "text/html",
};

/** A request for the document: by the snippet's look, or by a navigation. */
export interface DocumentRequest {
  path: string;
  build: string;
  by: "look" | "navigation";
  method: string;
}

export class Site {
  /** What documents carry. */
  deployed: Build;
  /** What a look is shown instead: an origin that flaps. */
  looksLike: Build | undefined;
  /** How long a look waits for its answer. */
  looksTakeMs = 0;
  /** In place of a document, for looks and navigations alike. */
  wrong: { status: number; location?: string } | undefined;
  /** Instead of the document, to looks alone; never with a mark. */
  lookIsAnswered: { status: number } | undefined;
  /** There is no document at this path. */
  nothingAt: string | undefined;
  /** The page's Content-Security-Policy. */
  policy: string | undefined;
  /** What stands in the head; the default is the script tag. */
  head: (build: Build) => string;
  /** Beside documents: scripts, styles and fonts by path. */
  readonly files: Record<string, string | Buffer> = { "/app.js": SCRIPT, "/style.css": STYLE };
  readonly documents: DocumentRequest[] = [];
  /** All paths that were asked for, in order. */
  readonly asked: string[] = [];

  private server: Server | undefined;
  private port = 0;

  private constructor(
    private readonly app: string,
    deployed: Build,
    private readonly freshwire: string,
  ) {
    this.deployed = deployed;
    this.head = (build) => this.tag(build);
  }

  /** `freshwire` is the origin that its pages load the snippet from. */
  static async start(app: string, deployed: Build, freshwire: string): Promise<Site> {
    const site = new Site(app, deployed, freshwire);
    site.port = await quietPort();
    await site.online();
    return site;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** As the README tells people to embed it. */
  tag({ build, version }: Build, app = this.app): string {
    return `<meta name="freshwire-build" content="${build}" />
<script src="${this.freshwire}/freshwire.js" data-app="${app}" data-version="${version}" async></script>`;
  }

  /** How often a page was really loaded. */
  get navigations(): number {
    return this.documents.filter(({ by }) => by == "navigation").length;
  }

  get looks(): number {
    return this.documents.filter(({ by }) => by == "look").length;
  }

  /** On its port, whenever it is. */
  async online(): Promise<void> {
    const server = (this.server = createServer((request, response) => this.answer(request, response)));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", resolve);
    });
  }

  async offline(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  stop(): Promise<void> {
    return this.offline();
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "/";
    this.asked.push(path);
    const file = this.files[path];
    if (file) {
      response.setHeader("content-type", TYPES[path.replace(/.*\./, "")] ?? "text/plain");
      response.end(file);
      return;
    }
    if (path == "/favicon.ico") return void response.writeHead(204).end();
    if (path == "/login")
      return void response.setHeader("content-type", "text/html").end("<h1>Who are you?</h1>");
    const by = request.headers["sec-fetch-mode"] == "navigate" ? "navigation" : "look";
    const build = (by == "look" && this.looksLike) || this.deployed;
    this.documents.push({ path, build: build.build, by, method: request.method ?? "" });
    if (path == this.nothingAt) return void response.writeHead(404).end("Not found");
    if (by == "look" && this.lookIsAnswered)
      return void response
        .writeHead(this.lookIsAnswered.status, { "content-type": "text/html" })
        .end("<h1>Who are you?</h1>");
    if (this.wrong) {
      const { status, location } = this.wrong;
      return void response.writeHead(status, location ? { location } : {}).end("Something went wrong");
    }
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.setHeader("cache-control", "no-cache");
    if (this.policy) response.setHeader("content-security-policy", this.policy);
    const answer = () => response.end(sample(build, this.head(build)));
    if (by == "look" && this.looksTakeMs) setTimeout(answer, this.looksTakeMs).unref();
    else answer();
  }
}
