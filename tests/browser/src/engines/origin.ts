/** An app's origin as deployments leave it: documents, and files with hashes in their names that come and go. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Build, Freshwire } from "../freshwire.js";

/** The server's address in a release's files, which are built before there is one. */
export const FRESHWIRE = "http://freshwire.invalid";
export const APP = "shop";

export interface Release extends Build {
  document: string;
  /** By path. */
  files: Record<string, Buffer | string>;
  /** For the server, as `freshwire.json` has them. */
  assets: Record<string, string>;
  preload: string[];
}

const TYPES: Record<string, string> = { js: "text/javascript", css: "text/css" };

export class Origin {
  /** What is answered instead of a file or a document: a status by path. */
  wrong: (path: string) => number | undefined = () => undefined;
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  /** How often a page was really loaded. */
  navigations = 0;

  private document = "";
  private files: Release["files"] = {};

  private constructor(
    private readonly server: Server,
    private readonly freshwire: Freshwire,
  ) {}

  /** Ends with the test. */
  static async start(freshwire: Freshwire): Promise<Origin> {
    const server = createServer();
    const origin = new Origin(server, freshwire);
    server.on("request", (request, response) => origin.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** In place of the release before, whose files are gone. */
  deploy({ document, files }: Release): void {
    this.document = document;
    this.files = files;
  }

  /** Tells the server of a release. */
  register(release: Release, more: Record<string, unknown> = {}) {
    const { build, version, assets, preload } = release;
    return this.freshwire.release(APP, { build, version }, { assets, preload, ...more });
  }

  private answer({ url, headers }: IncomingMessage, response: ServerResponse): void {
    const path = url!.replace(/[?].*/, "");
    const navigation = headers["sec-fetch-mode"] == "navigate";
    this.asked.push(path);
    if (navigation) this.navigations++;
    const status = this.wrong(path);
    if (status) return void response.writeHead(status).end();
    const extension = /\.(\w+)$/.exec(path)?.[1];
    const found = extension ? this.files[path] : this.document;
    if (found === undefined) return void response.writeHead(404).end();
    response.setHeader("content-type", (extension && TYPES[extension]) ?? "text/html; charset=utf-8");
    response.setHeader("cache-control", extension ? "public, max-age=31536000, immutable" : "no-cache");
    response.end(String(found).replaceAll(FRESHWIRE, this.freshwire.origin));
  }
}
