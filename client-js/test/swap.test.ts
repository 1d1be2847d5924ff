// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { preload, swapSheets } from "../src/go/swap.js";

const APP = { from: "/assets/app.1.css", to: "/assets/app.2.css" };
const CHAT = { from: "/assets/chat.1.css", to: "/assets/chat.2.css" };

let done: boolean;
let failed: Error | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  document.head.innerHTML = `
    <link rel=stylesheet href="/assets/app.1.css" media=screen integrity=sha256-old crossorigin=anonymous>
    <link rel=stylesheet href="/assets/chat.1.css">
    <link rel=icon href="/assets/app.1.css">
    <style>p {}</style>`;
  done = false;
  failed = undefined;
});

afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const links = () => [...document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet]")];
const paths = () => links().map((link) => link.getAttribute("href")!.replace(location.origin, ""));
const link = (path: string) => links().find(({ href }) => href.endsWith(path))!;
const swap = (...pairs: (typeof APP)[]) => {
  swapSheets(pairs).then(
    () => (done = true),
    (error) => (failed = error),
  );
};
const answer = async (path: string, is: "load" | "error") => {
  link(path).dispatchEvent(new Event(is));
  await pass(0);
};

describe("a style sheet", () => {
  test("is replaced once the new one is there, which stands right behind it until then", async () => {
    swap(APP);
    expect(paths()).toEqual(["/assets/app.1.css", "/assets/app.2.css", "/assets/chat.1.css"]);
    expect(done).toBe(false);
    await answer(APP.to, "load");
    expect(done).toBe(true);
    expect(paths()).toEqual(["/assets/app.2.css", "/assets/chat.1.css"]);
    expect(document.querySelectorAll("[rel=icon]")).toHaveLength(1);
  });

  test("is what the old one was, but for its integrity", () => {
    swap(APP);
    const { media, crossOrigin, rel } = link(APP.to);
    expect([media, crossOrigin, rel]).toEqual(["screen", "anonymous", "stylesheet"]);
    expect(link(APP.to).hasAttribute("integrity")).toBe(false);
  });

  test("comes from where the old one did", async () => {
    document.head.innerHTML = '<link rel=stylesheet href="https://cdn.test/assets/app.1.css?v=1">';
    swap(APP);
    await answer(APP.to, "load");
    expect(links().map(({ href }) => href)).toEqual(["https://cdn.test/assets/app.2.css"]);
  });
});

describe("several", () => {
  test("are replaced together", async () => {
    swap(APP, CHAT);
    await answer(CHAT.to, "load");
    expect(links()).toHaveLength(4);
    await answer(APP.to, "load");
    expect(paths()).toEqual(["/assets/app.2.css", "/assets/chat.2.css"]);
  });

  test("one that fails leaves all as it was", async () => {
    swap(APP, CHAT);
    await answer(CHAT.to, "load");
    await answer(APP.to, "error");
    expect(failed?.message).toBe("swap: a style sheet did not load");
    expect(paths()).toEqual(["/assets/app.1.css", "/assets/chat.1.css"]);
  });

  test("one that never comes is a failure after ten seconds", async () => {
    swap(APP, CHAT);
    await answer(CHAT.to, "load");
    await pass(10_000);
    expect(failed).toBeDefined();
    expect(paths()).toEqual(["/assets/app.1.css", "/assets/chat.1.css"]);
  });
});

test("the new build's modules are loaded ahead, into the cache alone", () => {
  preload(["/assets/app.2.js", "/assets/lib.2.js"]);
  preload();
  const made = [...document.querySelectorAll<HTMLLinkElement>("link[rel=modulepreload]")];
  expect(made.map((link) => link.getAttribute("href"))).toEqual(["/assets/app.2.js", "/assets/lib.2.js"]);
  expect(document.querySelector("script")).toBeNull();
});
