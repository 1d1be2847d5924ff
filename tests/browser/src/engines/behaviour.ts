/**
 * A behaviour: a test that is written once for all engines, with a server, a site and a user of its own. Where it runs
 * depends on what it is about: on the snippet's and the server's own mind, or on what each engine does in its way.
 */

import { describe, inject, test as base } from "vitest";
import { Freshwire, type Build } from "../freshwire.js";
import { Site } from "../site.js";
import { shown } from "../until.js";
import { allInAll, asked } from "./asked.js";
import type { Engine, EngineName, Profile, Tab } from "./engine.js";
import { LAUNCH } from "./launch.js";
import { glance } from "./snippet.js";

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
  /** Why it can't be had without the Navigation API. */
  needsNavigation?: string;
  /** The server's flags. */
  flags?: string[];
}

type Run = (here: Here) => Promise<void>;

export interface Declare {
  (title: string, run: Run): void;
  (title: string, options: Options, run: Run): void;
}

/** Its engine is launched for the first test that needs it, and ends with the worker. */
const testIn = (name: EngineName) =>
  base.extend<{ engine: Engine }>({
    engine: [
      async ({}, use) => {
        const started = Date.now();
        const engine = await LAUNCH[name]();
        process.stdout.write(`    ${name}, ${engine.version}, is there after ${Date.now() - started} ms\n`);
        await use(engine);
        await engine.close();
      },
      { scope: "worker" },
    ],
  });

const looked = inject("looked");
const tests = new Map(asked.map((name) => [name, testIn(name)] as const));
// A Firefox that has no Navigation API is that engine itself.
if (!looked.firefox?.navigation) tests.delete("firefox-without-navigation");

/** Whether behaviours run in it. */
export const runs = (name: EngineName) => tests.has(name);

const PLAIN: EngineName[] = ["chromium", "firefox", "webkit"];

/** About what the snippet or the server decides, which no engine changes: one is enough. */
export const behaviour = declaring(allInAll ? PLAIN : ["chromium"]);

/** About what engines do in their own ways: sockets, storage, tabs, focus, layout, loading, leaving. */
export const inEveryEngine = declaring(PLAIN);

/** About navigations, which are noticed in one way with the Navigation API and in another without. */
export const aboutNavigation = declaring([...PLAIN, "firefox-without-navigation"]);

function declaring(engines: EngineName[]): Declare {
  return (title: string, ...rest: [Run] | [Options, Run]) => {
    const run = rest.pop() as Run;
    const options = (rest[0] ?? {}) as Options;
    for (const name of engines) {
      const test = tests.get(name);
      if (!test) continue;
      describe(name, () => {
        const reason = lacking(name, options);
        if (reason) test.skip(`${title} (not in ${name}: ${reason})`, () => undefined);
        else test(title, ({ engine }) => within(engine, options.flags ?? [], run));
      });
    }
  };
}

function lacking(name: EngineName, { except = {}, needsNavigation }: Options): string | undefined {
  if (needsNavigation && !looked[name]?.navigation) return needsNavigation;
  return except[name] ?? (name == "firefox-without-navigation" ? except.firefox : undefined);
}

async function within(engine: Engine, flags: string[], run: Run): Promise<void> {
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
    if (error instanceof Error) error.message += await told(tabs);
    throw error;
  } finally {
    await Promise.all(profiles.map((profile) => profile.close()));
    await Promise.all(sites.map((site) => site.stop()));
    await freshwire.stop();
  }
}

/** A page that has hung says nothing, and keeps nobody waiting. */
const GLANCE_MS = 2_000;

/** How the pages are at the end, and what they had to say, for whoever looks for the cause. */
async function told(tabs: Tab[]): Promise<string> {
  const late = () => new Promise((resolve) => setTimeout(resolve, GLANCE_MS, "it doesn't answer").unref());
  const glances = await Promise.all(tabs.map((tab) => Promise.race([glance(tab).catch(String), late()])));
  const said = tabs.flatMap((tab) => [...tab.errors(), ...tab.console()]).slice(-20);
  return [
    ...glances.map((seen, n) => `\ntab ${n + 1}: ${shown(seen)}`),
    ...(said.length ? ["\nthe pages said:", ...said.map((line) => `\n  ${shown(line)}`)] : []),
  ].join("");
}
