/** What Chromium's own protocol can do to a page, and no other's. */

import type { Page } from "puppeteer-core";
import { spotOf, type Tab } from "./engine.js";
import { PuppetTab } from "./puppet.js";

/** Puppeteer's page, of Chromium's tab alone. */
export function chromiumPage(tab: Tab): Page {
  if (!(tab instanceof PuppetTab)) throw new Error("this takes Chromium's own protocol");
  return tab.page;
}

/** As the browser knows it: its requests fail, its open sockets stay, and it says that it is offline. */
export const offline = (tab: Tab, yes: boolean) => chromiumPage(tab).setOfflineMode(yes);

export async function lifecycle(tab: Tab, state: "frozen" | "active"): Promise<void> {
  const session = await chromiumPage(tab).createCDPSession();
  await session.send("Page.setWebLifecycleState", { state });
  await session.detach();
}

/** As the user's system says they want it. */
export const prefers = (tab: Tab, scheme: "light" | "dark") =>
  chromiumPage(tab).emulateMediaFeatures([
    { name: "prefers-color-scheme", value: scheme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);

export interface TraceEvent {
  name: string;
  /** Time of the processor, in microseconds: what else the machine does isn't in it. */
  tdur?: number;
  args: { data?: { url?: string } };
}

/** What the main thread does from now on, until the returned function is called. */
export async function trace(tab: Tab): Promise<() => Promise<TraceEvent[]>> {
  const { tracing } = chromiumPage(tab);
  await tracing.start({ categories: ["devtools.timeline", "v8"] });
  return async () => {
    const told = Buffer.from((await tracing.stop())!).toString();
    return (JSON.parse(told) as { traceEvents: TraceEvent[] }).traceEvents;
  };
}

/** As an input method writes: a text that is still being chosen, and then the one that is meant. */
export async function compose(tab: Tab, chosen: string, meant: string): Promise<void> {
  const session = await chromiumPage(tab).createCDPSession();
  const end = chosen.length;
  await session.send("Input.imeSetComposition", { text: chosen, selectionStart: end, selectionEnd: end });
  await session.send("Input.insertText", { text: meant });
  await session.detach();
}

/** Text that comes from another window, let go on the middle of an element. */
export async function drop(tab: Tab, selector: string, text: string): Promise<void> {
  const spot = await spotOf(tab, selector);
  const session = await chromiumPage(tab).createCDPSession();
  const data = { items: [{ mimeType: "text/plain", data: text }], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await session.send("Input.dispatchDragEvent", { type, ...spot, data });
  await session.detach();
}
