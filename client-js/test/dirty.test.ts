// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test } from "vitest";
import { dirtyForms, type Dirty } from "../src/act/dirty.js";
import type { Host } from "../src/core/part.js";
import { eventually } from "./eventually.js";

let holds: string[];
let dirty: Dirty;
let end: AbortController;

beforeEach(() => {
  holds = [];
  const { signal } = (end = new AbortController());
  const host: Partial<Host> = {
    on: (target, event, listener) => target.addEventListener(event, listener, { capture: true, signal }),
    hold(reason) {
      holds.push(reason);
      return () => void holds.splice(holds.indexOf(reason), 1);
    },
  };
  dirty = dirtyForms(host as Host);
  document.body.innerHTML = `
    <form id=form><input id=name><textarea id=note></textarea><input id=own type=search></form>
    <input id=beside form=form>
    <form id=other><input id=email></form>
    <div role=search><input id=query></div>
    <div data-freshwire-ignore><input id=filter></div>
    <div id=editor contenteditable><p id=line>text</p></div>`;
});

afterEach(() => end.abort());

const at = (id: string) => document.getElementById(id)!;

/** A page can't make a trusted event, so the event is told that it is one. */
function type(target: Element, isTrusted = true) {
  const event = new Event("input", { bubbles: true, composed: true });
  const impl = Object.getOwnPropertySymbols(event).find(({ description }) => description == "impl")!;
  Object.defineProperty((event as never)[impl], "isTrusted", { get: () => isTrusted, set() {} });
  expect(event.isTrusted).toBe(isTrusted);
  target.dispatchEvent(event);
}

test("what the user types is one hold, however much there is of it", () => {
  type(at("name"));
  type(at("note"));
  type(at("email"));
  expect(holds).toEqual(["unsaved input"]);
});

test("what a script types is none", () => {
  type(at("name"), false);
  expect(holds).toEqual([]);
});

test("a controlled input, whose value always is its default, counts", () => {
  const input = at("name") as HTMLInputElement;
  input.value = input.defaultValue = "typed";
  type(input);
  expect(holds).toHaveLength(1);
});

test("text that is edited in place counts, and so does a field inside a shadow root", () => {
  type(at("editor"));
  expect(holds).toHaveLength(1);
  dirty.saved();
  const root = document.body.appendChild(document.createElement("my-form")).attachShadow({ mode: "open" });
  const input = root.appendChild(document.createElement("input"));
  type(input);
  expect(holds).toHaveLength(1);
  dirty.saved();
  input.type = "search";
  type(input);
  expect(holds).toEqual([]);
});

test.each(["own", "query", "filter"])(
  "a search field, or one that the app has marked, is none (%s)",
  (id) => {
    type(at(id));
    expect(holds).toEqual([]);
  },
);

test.each(["submit", "reset"])("%s clears what belongs to that form, and nothing else", (event) => {
  for (const id of ["name", "beside", "email"]) type(at(id));
  at("form").dispatchEvent(new Event(event, { bubbles: true }));
  expect(holds).toHaveLength(1);
  at("other").dispatchEvent(new Event(event, { bubbles: true }));
  expect(holds).toEqual([]);
});

test("a form clears the text that is edited in place within it", () => {
  at("form").append(at("editor"));
  type(at("editor"));
  at("form").dispatchEvent(new Event("submit", { bubbles: true }));
  expect(holds).toEqual([]);
});

test("what has left the document is forgotten", async () => {
  type(at("name"));
  at("form").remove();
  await eventually(() => !holds.length);
});

test("what is still there holds on at a review", () => {
  type(at("name"));
  dirty.review();
  expect(holds).toHaveLength(1);
});

test("the app says that all is saved, until there is new input", () => {
  type(at("name"));
  dirty.saved();
  expect(holds).toEqual([]);
  type(at("name"));
  expect(holds).toHaveLength(1);
});
