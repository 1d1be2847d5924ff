/** What a test file starts once: a server, a browser, and sites that are stopped with them. */

import { afterAll, beforeAll } from "vitest";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { launch, open, type Watched } from "./browser.js";
import { Freshwire, type Build } from "../src/freshwire.js";
import { Site } from "../src/site.js";

export interface World {
  freshwire: Freshwire;
  browser: Browser;
  /** An app of its own for every test, its first release registered, and its site. */
  shop(deployed: Build): Promise<{ app: string; site: Site }>;
  open(site: Site, options?: BrowserContextOptions): Promise<Watched>;
}

export function world(...flags: string[]): World {
  const sites: Site[] = [];
  let apps = 0;
  const made = {
    async shop(deployed: Build) {
      const app = `shop-${++apps}`;
      await made.freshwire.release(app, deployed);
      const site = await Site.start(app, deployed, made.freshwire.origin);
      sites.push(site);
      return { app, site };
    },
    open: (site: Site, options?: BrowserContextOptions) => open(made.browser, `${site.origin}/`, options),
  } as World;

  beforeAll(async () => {
    [made.freshwire, made.browser] = await Promise.all([Freshwire.start(...flags), launch()]);
  });
  afterAll(async () => {
    await made.browser?.close();
    await made.freshwire?.stop();
    await Promise.all(sites.map((site) => site.stop()));
  });
  return made;
}
