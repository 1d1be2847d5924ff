// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from "vitest";
import { look } from "../src/go/look.js";
import { markedBuild } from "../src/go/mark.js";

afterEach(() => vi.unstubAllGlobals());

describe("the build that a document names", () => {
  test.each([
    ['<meta name="freshwire-build" content="3f9c2ab">', "3f9c2ab"],
    ['<meta content="3f9c2ab" name="freshwire-build">', "3f9c2ab"],
    ["<META NAME='freshwire-build' CONTENT='3f9c2ab'/>", "3f9c2ab"],
    ["<meta name=freshwire-build content=3f9c2ab>", "3f9c2ab"],
    ['<meta\n  name = "freshwire-build"\n  content = "a>b"\n>', "a>b"],
    ['<meta name="description" content="freshwire-build"><meta name="freshwire-build" content="x">', "x"],
    [
      '<!-- <meta name="freshwire-build" content="old"> --><meta name="freshwire-build" content="new">',
      "new",
    ],
    ['<meta name="freshwire-build" content="m"><script data-app="web" data-build="s"></script>', "s"],
    ['<meta name="freshwire-build" content="m"><script data-app="admin" data-build="s"></script>', "m"],
  ])("is found in %s", (html, build) => {
    expect(markedBuild(`<!doctype html><html><head>${html}</head>`, "web")).toBe(build);
  });

  test.each([
    "",
    "<p>no mark</p>",
    '<meta name="freshwire-build">',
    '<meta name="freshwire-build" content="">',
    '<meta name="freshwire-builds" content="x">',
    '<meta data-name="freshwire-build" content="x">',
    '<meta name="freshwire-build" data-content="x">',
  ])("is not found in %j", (html) => {
    expect(markedBuild(html, "web")).toBeUndefined();
  });
});

describe("a look", () => {
  const answers = (response: unknown) => {
    const fetched = vi.fn().mockResolvedValue(response);
    vi.stubGlobal("fetch", fetched);
    return fetched;
  };

  test("fetches the address without its hash, revalidated, and follows no redirect", async () => {
    const fetched = answers(new Response('<meta name="freshwire-build" content="B">'));
    expect(await look({ app: "web" }, "https://app.test/cart?item=1#top")).toEqual({
      is: "build",
      build: "B",
    });
    expect(fetched.mock.calls[0]![0]).toBe("https://app.test/cart?item=1");
    expect(fetched.mock.calls[0]![1]).toMatchObject({
      cache: "no-cache",
      redirect: "manual",
      credentials: "same-origin",
    });
  });

  test("tells a redirect, a failing origin, an unmarked document and no network apart", async () => {
    const seen = () => look({ app: "web" }, location.href);
    const unseen = (why: string) => ({ is: "unseen", why });
    answers({ type: "opaqueredirect", status: 0 });
    expect(await seen()).toEqual(unseen("sign-in"));
    for (const status of [401, 403, 407]) {
      answers(new Response("<h1>Sign in</h1>", { status }));
      expect(await seen()).toEqual(unseen("sign-in"));
    }
    for (const status of [404, 429, 500, 503]) {
      answers(new Response("<meta name=freshwire-build content=B>", { status }));
      expect(await seen()).toEqual({ is: "away" });
    }
    answers(new Response("<h1>hello</h1>"));
    expect(await seen()).toEqual(unseen("no-mark"));
    vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("Failed to fetch")));
    expect(await seen()).toEqual(unseen("network"));
  });

  test("that the page's own policy forbids is told from one that the network refuses", async () => {
    const refuse = (blockedURI: string) =>
      vi.stubGlobal("fetch", async () => {
        const event = new Event("securitypolicyviolation");
        document.dispatchEvent(Object.assign(event, { effectiveDirective: "connect-src", blockedURI }));
        throw new TypeError("Failed to fetch");
      });
    refuse(location.href);
    expect(await look({ app: "web" }, location.href)).toEqual({ is: "unseen", why: "policy" });
    refuse("https://elsewhere.test/x");
    expect(await look({ app: "web" }, location.href)).toEqual({ is: "unseen", why: "network" });
  });

  test("is at another address where the app has it so: a document's, or freshwire.json's", async () => {
    const fetched = answers(new Response('{"app":"web","build":"B"}'));
    const build = { is: "build", build: "B" };
    expect(await look({ app: "web", look: "/freshwire.json" }, "https://app.test/a/b#c")).toEqual(build);
    expect(fetched.mock.lastCall![0]).toBe("https://app.test/freshwire.json");
    answers(new Response('{"build":"B"}'));
    const where = (address: string) => address + "?shell";
    expect(await look({ app: "web", look: where }, "https://app.test/a")).toEqual(build);
    for (const other of ['{"app":"admin","build":"B"}', '{"build":7}', "null", "{"]) {
      answers(new Response(other));
      expect((await look({ app: "web", look: "/freshwire.json" }, location.href)).is).toBe("unseen");
    }
    const lies = () => {
      throw new Error("mine");
    };
    expect((await look({ app: "web", look: lies }, location.href)).is).toBe("unseen");
  });
});
