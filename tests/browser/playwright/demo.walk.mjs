// Walks through `freshwire demo` as somebody would who sees it for the first time, in a real browser.
//
//   node tests/browser/playwright/demo.walk.mjs [folder for screenshots]
//
// FRESHWIRE_BIN and CHROMIUM name the programs; by default the debug build and /usr/bin/chromium.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const binary = process.env.FRESHWIRE_BIN ?? join(root, "target/debug/freshwire");
const pictures = process.argv[2];
const PATIENCE = 90_000;

async function until(what, found, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const value = await found();
    if (value) return value;
    if (Date.now() > end) {
      const seen = JSON.stringify(value) ?? "nothing";
      throw new Error(`waited ${patience} ms in vain for ${what}; the last answer was ${seen.slice(0, 300)}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

const folder = mkdtempSync(join(tmpdir(), "freshwire-walk-"));
const addresses = join(folder, "addresses");
const demo = spawn(
  binary,
  [
    "demo",
    "--listen",
    "127.0.0.1:0",
    "--shop-listen",
    "127.0.0.1:0",
    "--addr-file",
    addresses,
    "--for",
    "15m",
  ],
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
// Whoever ends this ends the demo as well; playwright does so with its browser.
process.once("exit", () => demo.kill("SIGKILL"));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
let said = "";
demo.stdout.on("data", (text) => (said += text));

let browser;
try {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    // The user's own may not be writable.
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
    timeout: 120_000,
  });
  await until("the addresses", () => existsSync(addresses));
  const [server, shop] = readFileSync(addresses, "utf8").trim().split("\n");
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  context.setDefaultTimeout(PATIENCE);
  const mistakes = [];
  const open = async (path) => {
    const page = await context.newPage();
    page.on("pageerror", (error) => mistakes.push(error.message));
    page.on("console", (message) => message.type() === "error" && mistakes.push(message.text()));
    await page.goto(`http://${shop}${path}`);
    return page;
  };
  let shots = 0;
  const shot = async (page, name) => {
    if (!pictures) return;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${String(++shots).padStart(2, "0")}-${name}.png`) });
  };
  const step = (text) => console.log(`· ${text}`);
  // A document that is being left says nothing any more.
  const text = (page, selector) =>
    page
      .evaluate((selector) => document.querySelector(selector)?.textContent ?? "", selector)
      .catch(() => "");
  const isOn = async (page, version) => (await text(page, ".badge")) === version;
  const on = (page, version) => until(`the page to be on ${version}`, () => isOn(page, version));
  const standing = (page, word) =>
    until(`the page to be ${word}`, async () => (await text(page, ".p-pill")) === word);
  const press = (page, button) => page.click(`#press-${button}`);
  const story = (page, part) =>
    until(`the story '${part}'`, async () => (await text(page, ".p-story")).includes(part));
  const card = (page) => page.locator("[data-freshwire] .card");
  const prompted = (page) => card(page).waitFor();
  const agree = (page, options) => card(page).locator(".primary").click(options);
  /** For a page that may move by itself before its prompt is pressed. */
  const agreeOrWait = async (page, version) => {
    let agreed = false;
    await until(`the page to be on ${version}`, async () => {
      if (await isOn(page, version)) return true;
      agreed ||= await agree(page, { timeout: 2_000 }).then(
        () => true,
        () => false,
      );
    });
  };
  const session = async (page) => /session (\w{8})/.exec(await text(page, ".p-page"))?.[1];
  /** Before it has counted for the first time, the demo has none. */
  const state = () =>
    until("the demo's state", async () => {
      const response = await fetch(`http://${shop}/demo/state`);
      return response.ok && response.json();
    });
  const row = (found, version) => found.census.rows.find((row) => row.version === version)?.sessions ?? 0;

  step("the shop is open, and so are its three hundred pages");
  const page = await open("/");
  await standing(page, "current");
  await until("the crowd", async () => (await state()).census.sessions > 250);
  assert.equal((await state()).census.rows.length, 5);
  assert.equal(await text(page, ".badge"), "2.5.0");
  const own = await until("the session", () => session(page));
  await shot(page, "shop");

  step("a build is deployed: the prompt comes, the page moves, and its session is the same");
  await press(page, "deploy");
  await story(page, "2.6.0 is out");
  await prompted(page);
  await shot(page, "prompt");
  await agree(page);
  await on(page, "2.6.0");
  await standing(page, "current");
  await until("the session", async () => (await session(page)) === own);
  await until("half of the crowd", async () => row(await state(), "2.6.0") > 150);
  await shot(page, "moved");

  step("an order that is being written holds the reload back, and is there afterwards");
  await page.click("nav a[href='/checkout']");
  await page.fill("input[name=name]", "The person at the kettle");
  await press(page, "deploy");
  await story(page, "2.7.0 is out");
  await prompted(page);
  await agree(page);
  await until("the hold", async () => (await text(page, ".p-page")).includes("held"));
  await shot(page, "held");
  await page.click("#save");
  await on(page, "2.7.0");
  assert.equal(await page.inputValue("input[name=name]"), "The person at the kettle");
  assert.equal(new URL(page.url()).pathname, "/checkout");
  await shot(page, "draft");

  step("the CDN is broken: told pages are stuck, and none reloads");
  await standing(page, "current");
  await press(page, "cdn");
  await story(page, "The CDN is broken");
  let loads = 0;
  page.on("framenavigated", () => loads++);
  await press(page, "deploy");
  await story(page, "2.8.0 is out");
  await prompted(page);
  await agree(page);
  await until("the page to be stuck", async () => (await text(page, ".p-page")).includes("stuck"));
  await until("the crowd to be stuck", async () => ((await state()).states.stuck ?? 0) > 50);
  await shot(page, "stuck");
  assert.equal(loads, 0);
  assert.equal(row(await state(), "2.8.0"), 0);

  step("the CDN is healed: they move");
  await press(page, "cdn");
  await story(page, "The CDN is healed");
  await agreeOrWait(page, "2.8.0");
  await until("half of the crowd", async () => row(await state(), "2.8.0") > 150);

  step("the minimum is raised: a page that was left open counts down, and moves");
  const old = await open("/left-open/1e8d53c");
  await standing(old, "stale");
  assert.equal(await text(old, ".badge"), "2.4.0");
  await press(page, "minimum");
  await story(page, "Nothing below 2.8.0 is supported any more");
  await standing(old, "unsupported");
  await until(
    "the countdown",
    async () =>
      (await card(old)
        .locator(".time")
        .textContent()
        .catch(() => "")) !== "",
  );
  await shot(old, "countdown");
  await agreeOrWait(old, "2.8.0");
  await old.close();

  step("rolling back below the minimum is refused; rolling back above it moves pages back");
  await standing(page, "current");
  await press(page, "rollback");
  await story(page, "Refused");
  await shot(page, "refused");
  await press(page, "deploy");
  await prompted(page);
  await agree(page);
  await on(page, "2.9.0");
  await press(page, "rollback");
  await story(page, "Back to 2.8.0");
  await standing(page, "ahead");
  await prompted(page);
  await shot(page, "rollback");
  await agree(page);
  await on(page, "2.8.0");
  await standing(page, "current");

  step("whoever changes something from outside is followed, too");
  const token = readFileSync(/Token +(\S+)/.exec(said)[1], "utf8").trim();
  const made = await fetch(`http://${server}/v1/apps/shop/releases`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      build: "from-outside",
      version: "3.0.0",
      message: "A release by hand",
      severity: "important",
    }),
  });
  assert.equal(made.status, 201);
  await story(page, "3.0.0");
  await prompted(page);
  await agree(page);
  await on(page, "3.0.0");
  await shot(page, "outside");

  step("on a phone the counter is folded away");
  await page.setViewportSize({ width: 390, height: 780 });
  await page.reload();
  await standing(page, "current");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await shot(page, "phone");

  step("it stops when told to, and leaves nothing behind");
  demo.kill("SIGTERM");
  await until("the demo's end", () => demo.exitCode !== null || demo.signalCode, 60_000);
  assert.equal(demo.exitCode, 0);
  assert.ok(!existsSync(/Token +(\S+)\/data/.exec(said)[1]));
  const own_fault = mistakes.filter((text) => !/WebSocket|ERR_|Failed to load resource/.test(text));
  assert.deepEqual(own_fault, []);
  console.log("walked through");
} finally {
  demo.kill();
  await browser?.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
