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

const GONE = "https://app.test/assets/Cart-1.js";
const named = (name: string, message: string) => Object.assign(new Error(message), { name });

/** What says it, in which words, in the engines where they differ. */
const WORDS: [string, string][] = [
  [
    "Chromium, for Vite, Rollup, esbuild, Angular, SvelteKit",
    `Failed to fetch dynamically imported module: ${GONE}`,
  ],
  ["Firefox, for the same", `error loading dynamically imported module: ${GONE}`],
  ["Safari, for the same", "Importing a module script failed."],
  ["Safari, where a chunk is answered with HTML", "'text/html' is not a valid JavaScript MIME type."],
  ["webpack", `Loading chunk 7 failed.\n(error: ${GONE})`],
  ["webpack, where a chunk is answered with HTML", `Loading chunk vendors~cart failed.\n(missing: ${GONE})`],
  ["webpack's and Rspack's styles", "Loading CSS chunk 7 failed.\n(/7.css)"],
  ["Angular's zones", `Uncaught (in promise): ChunkLoadError: Loading chunk 7 failed.\n(error: ${GONE})`],
  ["Turbopack", "Failed to load chunk /_next/static/chunks/0f.js from module 4711"],
  [
    "Turbopack, where a module isn't in its chunk any more",
    "Module 4711 was instantiated because it was required from module 42, but the module factory is not available.",
  ],
  ["Parcel", `Failed to fetch dynamically imported module: ${GONE}. Error: undefined`],
  ["Vite's styles", "Unable to preload CSS for /assets/Cart-1.css"],
  [
    "Next, whose server function is gone",
    'Server Action "7f3a" was not found on the server. \nRead more: https://nextjs.org/docs',
  ],
  [
    "Next before",
    'Failed to find Server Action "7f3a". This request might be from an older or newer deployment.',
  ],
];

test.each(WORDS)(
  "a chunk that is gone is told in the words of %s, however it is caught",
  async (_, words) => {
    const taken: boolean[] = [];
    const details = await tells(() => {
      rejected(new TypeError(words));
      thrown(`Uncaught TypeError: ${words}`);
      for (const caught of [
        named("ChunkLoadError", words),
        words,
        { message: words },
        new Error("the route failed", { cause: new Error("lazily", { cause: new TypeError(words) }) }),
        new AggregateError([new Error("x is not defined"), new TypeError(words)], "all of them"),
      ])
        taken.push(fresh.evidence(caught));
    });
    expect(taken).toEqual([true, true, true, true, true]);
    expect(details).toHaveLength(7);
    for (const [kind, detail] of details) {
      expect(kind).toBe("chunk_error");
      expect(`Uncaught TypeError: ${words}`).toContain(detail!.replace(/^Uncaught TypeError: /, ""));
    }
  },
);

/** What goes wrong on pages every day, and is no sign of being old. */
const ORDINARY = [
  "x is not defined",
  "Script error.",
  "ResizeObserver loop completed with undelivered notifications.",
  "Failed to fetch",
  "NetworkError when attempting to fetch resource.",
  "Load failed",
  "The user aborted a request.",
  "signal is aborted without reason",
  "Cannot read properties of undefined (reading 'call')",
  "undefined is not an object (evaluating 'e[t].call')",
  "Cannot find module './de.json'",
  "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
  "Unexpected token < in JSON at position 0",
  "JSON.parse: unexpected character at line 1 column 1 of the JSON data",
  "JSON Parse error: Unrecognized token '<'",
  "Unexpected token '<'",
  "Request failed with status code 404",
  "Request failed with status code 500",
  "timeout of 10000ms exceeded",
  "Uploading chunk 7 failed",
  "Error while uploading chunk 3 of 10 failed",
  "Failed to load chunk https://maps.test/tiles/7.json",
  "Failed to load chunk: 12",
  "Could not load chunk 3,4 from the world",
  "Loading chunk 3 of 10",
  "Loading script failed",
  "Failed to load Stripe.js",
  'Could not load "places".',
  'Failed to load module "reports" from the plugin server',
  "Failed to register a ServiceWorker: The script has an unsupported MIME type ('text/html').",
  "Failed to execute 'importScripts' on 'WorkerGlobalScope'",
  "Invalid Server Actions request.",
  "An error occurred in the Server Components render.",
  "Minified React error #418",
  "Hydration failed because the server rendered HTML didn't match the client.",
  "The quota has been exceeded.",
  "play() failed because the user didn't interact with the document first.",
  "WebSocket is already in CLOSING or CLOSED state.",
  "SystemJS is not defined",
  "Maximum call stack size exceeded",
];

test("forty ordinary errors are none, however they are caught", async () => {
  expect(new Set(ORDINARY).size).toBe(40);
  const taken: string[] = [];
  const details = await tells(() => {
    for (const message of ORDINARY) {
      rejected(new Error(message));
      thrown(`Uncaught Error: ${message}`);
      for (const caught of [new Error(message), message, new Error("the route failed", { cause: message })])
        if (fresh.evidence(caught)) taken.push(message);
    }
  });
  expect(details).toEqual([]);
  expect(taken).toEqual([]);
});

test("anything may be given as evidence, and nothing is thrown", async () => {
  const throwing = () => {
    throw new Error("not yours");
  };
  const circle = new Error("round");
  circle.cause = circle;
  let deep = new TypeError("Importing a module script failed.");
  for (let n = 0; n < 100; n++) deep = new Error("deeper", { cause: deep });
  const endless = new Proxy([], { get: (_, key) => (key == "length" ? 2 ** 53 : new Error("one more")) });
  const odd: unknown[] = [
    ...[undefined, null, 0, NaN, true, 1n, Symbol("odd"), Object.create(null), () => {}, [], {}],
    ...[new Event("error"), circle, deep, { errors: endless }, { errors: 7 }],
    {
      get message() {
        return throwing();
      },
    },
    {
      get cause() {
        return throwing();
      },
    },
    { toString: throwing },
    new Proxy({}, { get: throwing, getPrototypeOf: throwing, has: throwing }),
    "x".repeat(2 ** 24),
    new Error("loading chunk ".repeat(2 ** 20)),
  ];
  const started = performance.now();
  const details = await tells(() => {
    for (const one of odd) expect(fresh.evidence(one)).toBe(false);
  });
  expect(details).toEqual([]);
  // Generous: it takes a few.
  expect(performance.now() - started).toBeLessThan(10_000);
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
