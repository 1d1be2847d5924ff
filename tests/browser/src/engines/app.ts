/** More of an app around the snippet than the plain sample has: acts of its user, its own code, and what it stored. */

import { A, type Build, type Freshwire } from "../freshwire.js";
import type { Site } from "../site.js";
import { until } from "../until.js";
import type { Tab } from "./engine.js";

/** Counts the documents of this tab, whoever served them. */
const COUNTING = `
sessionStorage.setItem("loads", String(1 + Number(sessionStorage.getItem("loads"))));
`;

export function countingLoads(site: Site): void {
  site.files["/app.js"] = COUNTING + String(site.files["/app.js"]);
}

export const loads = (tab: Tab) => tab.evaluate(() => Number(sessionStorage.getItem("loads")));

/** Code of the app's own, in every document from now on. It finds `freshwire` in `window.freshwire.push(…)`. */
export function withCode(site: Site, code: string): void {
  site.files["/own.js"] = `(window.freshwire ??= []);\n${code}`;
  const { head } = site;
  site.head = (build) => `<script src="/own.js"></script>\n${head(build)}`;
}

/** With more attributes on the script tag: `data-unattended="yes"`. */
export function withAttributes(site: Site, attributes: string): void {
  const { head } = site;
  site.head = (build) => head(build).replace("data-app", `${attributes} data-app`);
}

/** The app does something because its user pressed a button. The function stands for itself: it is sent as text. */
export async function userDoes(tab: Tab, act: () => unknown): Promise<void> {
  await tab.evaluate((act) => {
    document.getElementById("act")?.remove();
    const button = document.createElement("button");
    button.id = "act";
    button.type = "button";
    button.textContent = "Act";
    Object.assign(button.style, { position: "fixed", top: "0", left: "0", zIndex: "10" });
    button.onclick = () => {
      window.eval(`(${act})()`);
    };
    document.body.append(button);
  }, String(act));
  await tab.click("#act");
}

/** The page has read the document that a reload would load. */
export const lookInHand = (tab: Tab) =>
  tab.until("the page has looked ahead", () =>
    performance
      .getEntriesByType("resource")
      .some(
        (entry) =>
          (entry as PerformanceResourceTiming).initiatorType == "fetch" &&
          entry.name == location.href.replace(/#.*/, ""),
      ),
  );

/** Puts markup at the end of the page's main part. */
export const put = (tab: Tab, html: string) =>
  tab.evaluate((html) => document.querySelector("main")!.insertAdjacentHTML("beforeend", html), html);

export const holdsAre = (freshwire: Freshwire, app: string, holds: string[]) =>
  freshwire.theSession(
    app,
    `held by ${JSON.stringify(holds)}`,
    (session) => String(session.holds) == String(holds),
  );

/** Every page below `to` is to go, and the site has it. */
export async function deploy(
  freshwire: Freshwire,
  app: string,
  site: Site,
  to: Build,
  how: Record<string, unknown> = {},
): Promise<void> {
  await freshwire.release(app, to, { severity: "silent" });
  site.deployed = to;
  await freshwire.minimum(app, to, how);
}

/** A release like any other: its pages are asked to navigate. */
export async function releaseNormally(
  freshwire: Freshwire,
  app: string,
  site: Site,
  to: Build,
): Promise<void> {
  site.deployed = to;
  await freshwire.release(app, to, { over: "0s" });
  await freshwire.theSession(app, "told", ({ outcome, build }) => build == A.build && outcome == "received");
}

export const card = (tab: Tab) =>
  tab.evaluate(() => {
    const element = document
      .querySelector("[data-freshwire]")
      ?.shadowRoot?.querySelector<HTMLElement>(".card");
    return element && element.getBoundingClientRect().height > 0 ? element.innerText : "";
  });

/** Remembers in every document what its card said, however short a time. */
export const withMemoryOfCards = (site: Site) =>
  withCode(
    site,
    `window.cardsSaid = [];
new MutationObserver((_, observer) => {
  const root = document.querySelector("[data-freshwire]")?.shadowRoot;
  if (!root) return;
  const note = () => {
    const text = root.querySelector(".card")?.innerText;
    if (text && text != window.cardsSaid.at(-1)) window.cardsSaid.push(text);
  };
  note();
  observer.disconnect();
  new MutationObserver(note).observe(root, { childList: true, characterData: true, subtree: true });
}).observe(document, { childList: true, subtree: true });`,
  );

/** What the document's cards said until now, in order. */
export const cardsSaid = (tab: Tab) =>
  tab.evaluate(() => (window as never as { cardsSaid: string[] }).cardsSaid);

export const noCard = (tab: Tab) => until("there is no card", async () => !(await card(tab)));
