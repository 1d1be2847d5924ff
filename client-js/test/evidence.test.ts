// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Host } from "../src/core/part.js";
import type { PageFrame } from "../src/core/wire.js";
import { connect, type Freshwire, type Options } from "../src/index.js";
import { eventually } from "./eventually.js";
import { memoryStorage } from "./memory-storage.js";
import { listen, type Peer, type Server } from "./server.js";

const started = vi.hoisted(() => ({ parts: 0 }));
vi.mock("../src/core/load.js", () => ({
  async loadPart() {
    const { start } = await import("../src/act/act.js");
    return {
      start(host: Host) {
        started.parts++;
        return start(host, {
          go: () => import("../src/go/index.js"),
          prompt: () => import("../src/prompt/index.js"),
          preview: async () => {},
          busy: async () => ({ wrap: () => () => false }),
          poll: () => import("../src/act/poll.js"),
        });
      },
    };
  },
}));

let server: Server;
let fresh: Freshwire;
let peer: Peer;
let refreshed: string[];
let looked: string[];

beforeEach(async () => {
  started.parts = 0;
  [refreshed, looked] = [[], []];
  vi.stubGlobal("sessionStorage", memoryStorage());
  vi.stubGlobal("localStorage", memoryStorage());
  vi.stubGlobal("fetch", async (address: string) => {
    looked.push(address);
    return new Response('<meta name="freshwire-build" content="B">');
  });
  // jsdom knows no such event.
  const create = document.createEvent.bind(document);
  vi.spyOn(document, "createEvent").mockImplementation(((type: string) => {
    if (type != "BeforeUnloadEvent") return create(type);
    return Object.defineProperty(create("Event"), "returnValue", { value: "", writable: true });
  }) as never);
  server = await listen();
  server.welcome = { standing: "current", why: null, current: { build: "A" } };
  await begin();
});

afterEach(async () => {
  fresh.close();
  Reflect.deleteProperty(history, "pushState");
  document.body.replaceChildren();
  document.head.replaceChildren();
  vi.unstubAllGlobals();
  await server.stop();
});

async function begin(options: Partial<Options> = {}) {
  fresh = connect({
    url: server.url,
    app: "web",
    build: "A",
    refresh: ({ build }) => void refreshed.push(build),
    ...options,
  });
  await eventually(() => fresh.status.connection == "open" && started.parts == 1);
  peer = server.peers[0]!;
}

type Evidence = Extract<PageFrame, { type: "evidence" }>;
const told = () => peer.frames.filter((frame): frame is Evidence => frame.type == "evidence");
/** What this makes the page tell: after it, something that is always told. */
async function tells(happens: () => unknown) {
  happens();
  fresh.evidence("api_426", "the end");
  const end = () => told().findIndex(({ detail }) => detail == "the end");
  await eventually(() => end() >= 0);
  return told()
    .slice(0, end())
    .map(({ kind, detail }) => [kind, detail]);
}
const rejected = (reason: unknown) =>
  dispatchEvent(Object.assign(new Event("unhandledrejection"), { reason }));
const thrown = (message: string) => dispatchEvent(new ErrorEvent("error", { message }));

test.each([
  ["Chromium", "Failed to fetch dynamically imported module: https://app.test/assets/Cart-1.js"],
  ["Firefox", "error loading dynamically imported module: https://app.test/assets/Cart-1.js"],
  ["Safari", "Importing a module script failed."],
  ["webpack", "Loading chunk 7 failed.\n(missing: https://app.test/7.js)"],
  ["webpack's styles", "Loading CSS chunk 7 failed.\n(/7.css)"],
  ["Vite", "Unable to preload CSS for /assets/Cart-1.css"],
])("a chunk that is gone is told in the words of %s, rejected or thrown", async (_, words) => {
  const details = await tells(() => {
    rejected(new TypeError(words));
    thrown(`Uncaught TypeError: ${words}`);
  });
  expect(details).toEqual([
    ["chunk_error", expect.stringContaining(words)],
    ["chunk_error", expect.stringContaining(words)],
  ]);
});

test("other errors are nobody's business, and none of ours come on top", async () => {
  const errors = vi.fn();
  addEventListener("error", errors);
  const details = await tells(() => {
    rejected(new TypeError("Failed to fetch"));
    for (const reason of [undefined, null, Symbol("odd"), Object.create(null)]) rejected(reason);
  });
  removeEventListener("error", errors);
  expect(details).toEqual([]);
  expect(errors).not.toHaveBeenCalled();
});

test("nor is an error that a script throws", async () => {
  expect(await tells(() => thrown("x is not defined"))).toEqual([]);
});

test("Vite's own event is told, also when the app handles the error", async () => {
  const payload = new Error("anything");
  const details = await tells(() =>
    dispatchEvent(Object.assign(new Event("vite:preloadError", { cancelable: true }), { payload })),
  );
  expect(details).toEqual([["chunk_error", "Error: anything"]]);
});

const element = (html: string) => {
  document.head.innerHTML = html;
  return document.head.firstElementChild!;
};

test.each([
  ["a script", '<script type=module src="/assets/app-1.js"></script>', "/assets/app-1.js"],
  ["a module", '<script src="/assets/app-1.mjs"></script>', "/assets/app-1.mjs"],
  ["a style sheet", '<link rel=stylesheet href="/assets/app-1.css">', "/assets/app-1.css"],
])("%s that doesn't load is told", async (_, html, path) => {
  const details = await tells(() => element(html).dispatchEvent(new Event("error")));
  expect(details).toEqual([["asset_404", location.origin + path]]);
});

test.each([
  ["an image", '<img src="/logo.png">'],
  ["an image whose server has a script's name", '<img src="https://cdn.jsdelivr.net/logo.png">'],
  ["an icon", '<link rel=icon href="/favicon.ico">'],
  ["a film", '<video src="/film.mp4"></video>'],
])("%s that doesn't load is not", async (_, html) => {
  expect(await tells(() => element(html).dispatchEvent(new Event("error")))).toEqual([]);
});

test("what follows a question mark or a hash is kept from the server", async () => {
  const details = await tells(() => {
    element('<script src="/assets/app.js?token=secret"></script>').dispatchEvent(new Event("error"));
    rejected(
      new TypeError("Failed to fetch dynamically imported module: https://app.test/a.js?token=secret"),
    );
    fresh.evidence("api_426", "/api/cart#secret");
  });
  expect(details).toEqual([
    ["asset_404", `${location.origin}/assets/app.js`],
    ["chunk_error", expect.stringMatching(/module: https:\/\/app\.test\/a\.js$/)],
    ["api_426", "/api/cart"],
  ]);
});

test("twenty or so signs tell enough, and none is long", async () => {
  for (let n = 0; n < 100; n++) fresh.evidence("api_426", "x".repeat(1_000));
  fresh.hold("last");
  await eventually(() => peer.frames.some((frame) => frame.type == "page"));
  expect(told().length).toBeLessThan(25);
  expect(told()[0]!.detail).toHaveLength(200);
});

test("the page moves when the server then says that it is old, to where the user is going", async () => {
  const link = document.body.appendChild(document.createElement("a"));
  link.setAttribute("href", "/orders?page=2#latest");
  // What the page needs to follow the link is loaded once there is something to move for.
  peer.send({ type: "standing", standing: "stale", why: null, current: { build: "B" } });
  await eventually(() => fresh.status.standing == "stale");
  await vi.dynamicImportSettled();
  const click = new MouseEvent("pointerdown", { bubbles: true, composed: true });
  const impl = Object.getOwnPropertySymbols(click).find(({ description }) => description == "impl")!;
  Object.defineProperty((click as never)[impl], "isTrusted", { get: () => true, set() {} });
  link.dispatchEvent(click);
  rejected(new TypeError("Importing a module script failed."));
  await eventually(() => refreshed.length);
  expect(refreshed).toEqual(["B"]);
  expect(looked).toEqual([`${location.origin}/orders?page=2`]);
});

test("a page that the server finds current stays", async () => {
  rejected(new TypeError("Importing a module script failed."));
  await eventually(() => told().length);
  peer.send({ type: "standing", standing: "ahead", why: null, current: { build: "0" } });
  await eventually(() => fresh.status.standing == "ahead");
  expect([refreshed, looked]).toEqual([[], []]);
  peer.send({ type: "standing", standing: "unsupported", why: "minimum", current: { build: "B" } });
  await eventually(() => refreshed.length);
});
