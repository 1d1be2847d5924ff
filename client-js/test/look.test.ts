// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from "vitest";
import { look, markedBuild } from "../src/go/look.js";

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
    expect(await look("web", "https://app.test/cart?item=1#top")).toEqual({ is: "build", build: "B" });
    expect(fetched.mock.calls[0]![0]).toBe("https://app.test/cart?item=1");
    expect(fetched.mock.calls[0]![1]).toMatchObject({
      cache: "no-cache",
      redirect: "manual",
      credentials: "same-origin",
    });
  });

  test("tells a redirect, a failing origin, an unmarked document and no network apart", async () => {
    answers({ type: "opaqueredirect", status: 0 });
    expect(await look("web", location.href)).toEqual({ is: "redirect" });
    answers(new Response("<meta name=freshwire-build content=B>", { status: 503 }));
    expect(await look("web", location.href)).toEqual({ is: "away", detail: "the document answered 503" });
    answers(new Response("<h1>hello</h1>"));
    expect(await look("web", location.href)).toMatchObject({ is: "away", unmarked: true });
    vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("Failed to fetch")));
    expect(await look("web", location.href)).toEqual({ is: "away", detail: "the document can't be fetched" });
  });
});
