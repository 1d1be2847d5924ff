/** A behaviour: a test that is written once and runs in every engine, with a server, a site and a user of its own. */

import { describe, test as base, type TestContext } from "vitest";
import { Freshwire, type Build } from "../freshwire.js";
import { Site } from "../site.js";
import {
  ENGINES,
  UnsupportedByEngine,
  type Engine,
  type EngineName,
  type Profile,
  type Tab,
} from "./engine.js";
import { chromium, firefox } from "./puppet.js";
import { webkit } from "./webkit.js";

export interface Here {
  engine: Engine;
  /** A server of this test's own: it may be killed. */
  freshwire: Freshwire;
  /** An app, its first release registered, and its site. */
  shop(deployed: Build): Promise<{ app: string; site: Site }>;
  /** In front, in the user's browser. */
  tab(at?: Site | string): Promise<Tab>;
  /** Another user, or another browser of theirs. */
  profile(): Promise<Profile>;
}

export interface Options {
  /** Engines in which it can't be had, and why. */
  except?: Partial<Record<EngineName, string>>;
  /** The server's flags. */
  flags?: string[];
}

const LAUNCH = { chromium, firefox, webkit };

/** Its engine is launched for the first test that needs it, and ends with the worker. */
const testIn = (name: EngineName) =>
  base.extend<{ engine: Engine }>({
    engine: [
      async ({}, use) => {
        const started = Date.now();
        const engine = await LAUNCH[name]();
        process.stdout.write(`    ${engine.version} is there after ${Date.now() - started} ms\n`);
        await use(engine);
        await engine.close();
      },
      { scope: "worker" },
    ],
  });

const asked = (process.env.ENGINES ?? ENGINES.join()).split(",").map((name) => name.trim());
const strange = asked.find((name) => !ENGINES.some((engine) => engine == name));
if (strange != undefined) throw new Error(`ENGINES names ${strange}; there are ${ENGINES.join(", ")}`);
const engines = ENGINES.filter((name) => asked.includes(name)).map((name) => ({ name, test: testIn(name) }));

export function behaviour(title: string, run: (here: Here) => Promise<void>): void;
export function behaviour(title: string, options: Options, run: (here: Here) => Promise<void>): void;
export function behaviour(title: string, ...rest: [unknown, unknown?]): void {
  const run = rest.pop() as (here: Here) => Promise<void>;
  const { except = {}, flags = [] } = (rest[0] ?? {}) as Options;
  for (const { name, test } of engines) {
    describe(name, () => {
      const reason = except[name];
      if (reason) test.skip(`${title} (not in ${name}: ${reason})`, () => undefined);
      else test(title, ({ engine, skip }) => within(engine, flags, run, skip));
    });
  }
}

async function within(
  engine: Engine,
  flags: string[],
  run: (here: Here) => Promise<void>,
  skip: TestContext["skip"],
): Promise<void> {
  const freshwire = await Freshwire.start(...flags);
  const sites: Site[] = [];
  const profiles: Profile[] = [];
  const tabs: Tab[] = [];
  const here: Here = {
    engine,
    freshwire,
    async shop(deployed) {
      const app = `shop-${sites.length + 1}`;
      await freshwire.release(app, deployed);
      const site = await Site.start(app, deployed, freshwire.origin);
      sites.push(site);
      return { app, site };
    },
    async tab(at) {
      const user = profiles[0] ?? (await here.profile());
      const tab = await user.tab(at instanceof Site ? `${at.origin}/` : at);
      tabs.push(tab);
      return tab;
    },
    async profile() {
      const profile = await engine.profile();
      profiles.push(profile);
      return profile;
    },
  };
  try {
    await run(here);
  } catch (error) {
    if (error instanceof UnsupportedByEngine) skip(`not in ${engine.name}: ${error.message}`);
    tell(error, tabs);
    throw error;
  } finally {
    await Promise.all(profiles.map((profile) => profile.close()));
    await Promise.all(sites.map((site) => site.stop()));
    await freshwire.stop();
  }
}

/** What the pages had to say, for whoever looks for the cause. */
function tell(error: unknown, tabs: Tab[]): void {
  const said = tabs.flatMap((tab) => [...tab.errors(), ...tab.console()]).slice(-20);
  if (error instanceof Error && said.length) error.message += `\nthe pages said:\n  ${said.join("\n  ")}`;
}
