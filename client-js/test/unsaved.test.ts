// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { duration, unsavedInput, type Unsaved } from "../src/act/unsaved.js";
import type { Host } from "../src/core/part.js";
import type { Options } from "../src/core/options.js";

let holds: string[];
let unsaved: Unsaved;
let end: AbortController;
let tells: number;

/** jsdom lays nothing out: every field is one that is read, but for those that are marked as too small. */
class Sight {
  constructor(private readonly seen: (entries: unknown[], observer: unknown) => void) {}
  observe(target: Element) {
    const size = target.hasAttribute("data-small") ? 1 : 100;
    queueMicrotask(() => this.seen([{ target, intersectionRect: { width: size, height: size } }], this));
  }
  unobserve() {}
}

function begin(options: Partial<Options> = {}) {
  end?.abort();
  holds = [];
  tells = 0;
  const { signal } = (end = new AbortController());
  const host: Partial<Host> = {
    options: options as Options,
    on: (target, event, listener) => target.addEventListener(event, listener, { capture: true, signal }),
    // As the core does: whoever holds or lets go is asked for a review at once.
    hold(reason) {
      holds.push(reason);
      tells++;
      unsaved?.review();
      return () => {
        holds.splice(holds.indexOf(reason), 1);
        tells++;
        unsaved.review();
      };
    },
  };
  unsaved = unsavedInput(host as Host);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("IntersectionObserver", Sight);
  history.replaceState(null, "", "/compose");
  document.body.innerHTML = `
    <form id=form><input id=name><textarea id=note></textarea><input id=own type=search>
      <input id=box type=checkbox><select id=size><option>S<option>M</select></form>
    <input id=beside form=form>
    <form id=other><input id=email></form>
    <div role=search><input id=query></div>
    <div data-freshwire-ignore><input id=filter></div>
    <textarea id=sink data-small></textarea>
    <input id=loose type=checkbox><input id=volume type=range><select id=rows><option>10<option>50</select>
    <div id=editor contenteditable><p id=line>text</p></div>`;
  begin();
});

afterEach(() => {
  end.abort();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const at = (id: string) => document.getElementById(id) as HTMLInputElement;
const pass = (ms = 400) => vi.advanceTimersByTimeAsync(ms);
const held = async () => (await pass(), holds.length > 0);

/** A page can't make a trusted event, so the event is told that it is one. */
function happens(target: EventTarget, type: string, facts: object = {}, isTrusted = true) {
  const event = new Event(type, { bubbles: true, composed: true, cancelable: true });
  const impl = Object.getOwnPropertySymbols(event).find(({ description }) => description == "impl")!;
  Object.defineProperty((event as never)[impl], "isTrusted", { get: () => isTrusted, set() {} });
  Object.assign(event, facts);
  target.dispatchEvent(event);
}

/** As a key does it: the field is asked, then changed, then told. */
function type(target: HTMLElement, text = "x") {
  happens(target, "focusin");
  happens(target, "keydown", { key: text });
  happens(target, "beforeinput", { inputType: "insertText" });
  if ("value" in target) (target as HTMLInputElement).value += text;
  else target.append(text);
  happens(target, "input", { inputType: "insertText" });
}

function erase(target: HTMLInputElement) {
  happens(target, "keydown", { key: "Backspace" });
  target.value = "";
  happens(target, "input", { inputType: "deleteContentBackward" });
}

/** jsdom knows no `isContentEditable`. */
function editable(element: HTMLElement) {
  Object.defineProperty(element, "isContentEditable", { value: true });
  return element;
}

test("what the user types is one hold, however much there is of it", async () => {
  for (const id of ["name", "note", "email"]) type(at(id));
  expect(holds).toEqual(["unsaved input"]);
  expect(await held()).toBe(true);
  expect(tells).toBe(1);
});

test("what a script types is none", () => {
  happens(at("name"), "input", {}, false);
  expect(holds).toEqual([]);
});

test("a controlled input, whose value always is its default, counts", async () => {
  const input = at("name");
  input.addEventListener("input", () => (input.defaultValue = input.value));
  type(input);
  expect(await held()).toBe(true);
});

describe("an editor that prevents input", () => {
  test.each([
    ["keydown", { key: "Enter" }],
    ["keydown", { key: "Delete" }],
    ["keydown", { key: "Process" }],
    ["keydown", { key: "z", ctrlKey: true }],
    ["beforeinput", { inputType: "insertText" }],
    ["paste", {}],
    ["cut", {}],
    ["drop", {}],
    ["compositionupdate", {}],
  ])("is heard by %s %j", async (event, facts) => {
    const editor = editable(at("editor"));
    editor.firstElementChild!.textContent = "a document ".repeat(30);
    happens(editor, event, facts);
    expect(holds).toHaveLength(1);
  });

  test.each(["ArrowLeft", "Tab", "Shift", "Escape", "F5"])("is not touched by %s", async (key) => {
    happens(editable(at("editor")), "keydown", { key });
    expect(await held()).toBe(false);
  });

  test("is not touched by copying or selecting all", async () => {
    for (const key of ["c", "a", "f"]) happens(editable(at("editor")), "keydown", { key, ctrlKey: true });
    expect(await held()).toBe(false);
  });

  test("of a short text is compared with what it was", async () => {
    const editor = editable(at("editor"));
    happens(editor, "focusin");
    happens(editor, "keydown", { key: "Enter" });
    editor.append(document.createElement("p"));
    expect(await held()).toBe(true);
    editor.lastChild!.remove();
    unsaved.review();
    expect(await held()).toBe(false);
  });
});

test("a field inside a shadow root counts, unless it is for searching", async () => {
  const root = document.body.appendChild(document.createElement("my-form")).attachShadow({ mode: "open" });
  const input = root.appendChild(document.createElement("input"));
  type(input);
  expect(await held()).toBe(true);
  unsaved.saved();
  input.type = "search";
  type(input);
  expect(await held()).toBe(false);
});

test.each(["own", "query", "filter"])("a search field, or what the app has marked, is none (%s)", (id) => {
  type(at(id));
  expect(holds).toEqual([]);
});

test.each(["loose", "volume", "rows"])("what sets how something looks is none (%s)", (id) => {
  happens(at(id), "input");
  expect(holds).toEqual([]);
});

test("files that are dropped anywhere are the user's work", () => {
  happens(document.body, "drop", { dataTransfer: { files: [{}] } });
  expect(holds).toHaveLength(1);
});

describe("what is as it was", () => {
  test("holds no more: a letter typed and taken back", async () => {
    type(at("name"));
    expect(await held()).toBe(true);
    erase(at("name"));
    expect(await held()).toBe(false);
  });

  test("holds no more: a box that is set and unset, a choice that is taken back", async () => {
    const box = at("box");
    for (const checked of [true, false]) {
      box.checked = checked;
      happens(box, "input");
      expect(await held()).toBe(checked);
    }
    const size = at("size") as never as HTMLSelectElement;
    happens(size, "focusin");
    for (const index of [1, 0]) {
      size.selectedIndex = index;
      happens(size, "input");
      expect(await held()).toBe(index == 1);
    }
  });

  test("an app that empties its box has taken it: a message that was sent", async () => {
    type(at("note"), "hello");
    expect(await held()).toBe(true);
    at("note").value = "";
    expect(await held()).toBe(true);
    happens(at("note"), "click");
    expect(await held()).toBe(false);
  });

  test("a document that the user has emptied is not saved", async () => {
    at("note").value = "a text of theirs";
    happens(at("note"), "focusin");
    erase(at("note"));
    expect(await held()).toBe(true);
    expect(await (pass(60_000), held())).toBe(true);
  });

  test("a prefilled box that the app empties is", async () => {
    at("note").value = "Dear all, ";
    type(at("note"));
    at("note").value = "";
    expect(await (pass(6_000), held())).toBe(false);
  });

  test("a field too small to be read is an editor's way to catch keys: empty, it tells nothing", async () => {
    type(at("sink"));
    at("sink").value = "";
    expect(await (pass(60_000), held())).toBe(true);
  });
});

describe("sent is not saved", () => {
  const submit = (id = "form") => at(id).dispatchEvent(new Event("submit", { bubbles: true }));

  test("until the app goes elsewhere", async () => {
    for (const id of ["name", "beside"]) type(at(id));
    submit();
    expect(await held()).toBe(true);
    history.pushState(null, "", "/compose#part");
    expect(await (unsaved.review(), held())).toBe(true);
    history.pushState(null, "", "/thanks");
    expect(await (unsaved.review(), held())).toBe(false);
  });

  test("and what is typed afterwards is new", async () => {
    type(at("name"));
    submit();
    type(at("name"));
    history.pushState(null, "", "/thanks");
    expect(await (unsaved.review(), held())).toBe(true);
  });

  test("a reset clears what belongs to that form, and nothing else", async () => {
    for (const id of ["name", "beside", "email"]) type(at(id));
    at("form").dispatchEvent(new Event("reset", { bubbles: true }));
    expect(await held()).toBe(true);
    at("other").dispatchEvent(new Event("reset", { bubbles: true }));
    expect(await held()).toBe(false);
  });

  test("the app's word clears all, until there is new input", async () => {
    type(at("name"));
    submit();
    unsaved.saved();
    expect(await held()).toBe(false);
    type(at("name"));
    expect(await held()).toBe(true);
  });
});

describe("what has left the document", () => {
  test("is unsaved where it was typed, and nowhere else", async () => {
    type(at("note"));
    at("form").remove();
    expect(await held()).toBe(true);
    history.pushState(null, "", "/compose?tab=preview");
    expect(await (unsaved.review(), held())).toBe(true);
    history.pushState(null, "", "/elsewhere");
    expect(await (unsaved.review(), held())).toBe(false);
    history.pushState(null, "", "/compose");
    expect(await (unsaved.review(), held())).toBe(true);
    unsaved.saved();
    expect(await held()).toBe(false);
  });

  test("hashes that are paths are places", async () => {
    history.replaceState(null, "", "/#/compose?draft=1");
    type(at("note"));
    at("form").remove();
    expect(await held()).toBe(true);
    history.pushState(null, "", "/#/list");
    expect(await (unsaved.review(), held())).toBe(false);
  });

  test("sent from there, it is saved when the app goes elsewhere, and stays so", async () => {
    type(at("note"));
    at("note").remove();
    expect(await held()).toBe(true);
    at("form").dispatchEvent(new Event("submit", { bubbles: true }));
    expect(await held()).toBe(true);
    history.pushState(null, "", "/thanks");
    unsaved.review();
    history.pushState(null, "", "/compose");
    expect(await (unsaved.review(), held())).toBe(false);
  });

  test("is forgotten when nothing was changed in it", async () => {
    happens(at("note"), "focusin");
    happens(at("note"), "keydown", { key: "Enter" });
    at("note").remove();
    expect(await held()).toBe(false);
  });
});

describe("a hold that was found ages", () => {
  test("after eight hours without input", async () => {
    type(at("name"));
    await pass(7.9 * 3_600_000);
    expect(holds).toHaveLength(1);
    type(at("name"));
    await pass(7.9 * 3_600_000);
    expect(holds).toHaveLength(1);
    await pass(0.2 * 3_600_000);
    expect(holds).toEqual([]);
  });

  test("or as the app has it", async () => {
    begin({ ages: "10m" });
    type(at("name"));
    at("form").remove();
    await pass(590_000);
    expect(holds).toHaveLength(1);
    await pass(20_000);
    expect(holds).toEqual([]);
  });

  test.each([
    ["8h", 28_800_000],
    ["30m", 1_800_000],
    ["1.5s", 1_500],
    ["2d", 172_800_000],
    ["250", 250],
    [90_000, 90_000],
    ["soon", 7],
    [undefined, 7],
    ["-3h", 7],
  ])("%j is %d ms", (given, ms) => {
    expect(duration(given, 7)).toBe(ms);
  });
});

test("a frame that can't be looked into is left alone", () => {
  const frame = document.createElement("iframe");
  Object.defineProperty(frame, "contentWindow", {
    get() {
      throw new Error("another origin's");
    },
  });
  document.body.append(frame);
  expect(() => happens(frame, "load")).not.toThrow();
});

test("without knowing what is read, nothing that changed is taken for saved", async () => {
  vi.stubGlobal("IntersectionObserver", undefined);
  begin();
  type(at("name"));
  erase(at("name"));
  expect(await (pass(60_000), held())).toBe(true);
});
