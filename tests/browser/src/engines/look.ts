/** Looks once into each engine that is asked for, before all tests: what it is, and what it lacks. */

import type { TestProject } from "vitest/node";
import { asked } from "./asked.js";
import type { Engine, EngineName, Looked } from "./engine.js";
import { LAUNCH } from "./launch.js";

export default async function ({ provide }: TestProject): Promise<void> {
  // It is known by what plain Firefox has.
  const names = new Set(asked.map((name) => (name == "firefox-without-navigation" ? "firefox" : name)));
  const found = await Promise.all([...names].map(async (name) => [name, await look(name)] as const));
  provide("looked", Object.fromEntries(found));
}

async function look(name: EngineName): Promise<Looked> {
  const since = Date.now();
  const engine = await LAUNCH[name]();
  try {
    const navigation = await hasNavigation(engine);
    const has = navigation ? "has the Navigation API" : "lacks the Navigation API";
    process.stdout.write(`${engine.version} ${has}; looked at in ${Date.now() - since} ms\n`);
    return { version: engine.version, navigation };
  } finally {
    await engine.close();
  }
}

async function hasNavigation(engine: Engine): Promise<boolean> {
  const profile = await engine.profile();
  try {
    return await (await profile.tab()).evaluate(() => "navigation" in window);
  } finally {
    await profile.close();
  }
}
