// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { card } from "../src/prompt/card.js";
import { start } from "../src/prompt/index.js";
import { preview } from "../src/prompt/preview.js";
import type { Prompt, PromptOptions } from "../src/prompt/seam.js";
import type { View } from "../src/prompt/view.js";
import { eventually } from "./eventually.js";
import { counting, facts, MINUTE, presses } from "./prompt-facts.js";

let log: string[];
let prompt: Prompt | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  document.documentElement.lang = "en";
  log = [];
});

afterEach(() => {
  prompt?.show(undefined);
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const begin = async (options: PromptOptions = {}) => (prompt = await start(options, presses(log)));
const host = () => document.querySelector<HTMLElement>("[data-freshwire]");
const part = (selector: string) => host()!.shadowRoot!.querySelector<HTMLElement>(selector)!;

describe("the card", () => {
  test("is there with its live region before that speaks, and takes no focus", async () => {
    document.body.append(document.createElement("input"));
    document.querySelector("input")!.focus();
    expect((await begin()).show(facts())).toBe(true);
    expect(part("[role=status]").textContent).toBe("");
    vi.advanceTimersByTime(150);
    expect(part("[role=status]").textContent).toBe("A new version is ready. Refresh whenever it suits you.");
    expect(document.activeElement).toBe(document.querySelector("input"));
  });

  test("speaks the last of what it is told at once", async () => {
    await begin();
    prompt!.show(facts());
    vi.advanceTimersByTime(100);
    prompt!.show(facts({ state: "looking" }));
    vi.advanceTimersByTime(150);
    expect(part("[role=status]").textContent).toBe("One moment…");
  });

  test("is put above everything wherever it is put", async () => {
    const raised: (ParentNode | null)[] = [];
    HTMLElement.prototype.showPopover = function () {
      raised.push(this.parentNode);
    };
    await begin();
    prompt!.show(facts());
    prompt!.show(facts({ state: "looking" }));
    Reflect.deleteProperty(HTMLElement.prototype, "showPopover");
    expect(raised).toEqual([document.body]);
    expect(host()!.popover).toBe("manual");
  });

  test("goes, and comes back as new", async () => {
    await begin();
    prompt!.show(facts());
    vi.advanceTimersByTime(1_000);
    expect(prompt!.show(undefined)).toBe(false);
    expect(host()).toBeNull();
    vi.advanceTimersByTime(1_000);
    prompt!.show(facts());
    expect(part("[role=status]").textContent).toBe("");
    vi.advanceTimersByTime(150);
    expect(part("[role=status]").textContent).not.toBe("");
  });

  test("passes on presses, but none while busy, and keeps the focus then", async () => {
    await begin();
    prompt!.show(facts());
    part(".primary").focus();
    part(".primary").click();
    part(".secondary").click();
    prompt!.show(facts({ state: "looking" }));
    part(".primary").click();
    expect(log).toEqual(["press", "snooze"]);
    expect(part(".primary").getAttribute("aria-disabled")).toBe("true");
    expect(host()!.shadowRoot!.activeElement).toBe(part(".primary"));
  });

  test("is put off by Escape within, which then closes nothing else", async () => {
    await begin();
    prompt!.show(facts());
    const outer = vi.fn();
    document.addEventListener("keydown", outer);
    const escape = new KeyboardEvent("keydown", {
      key: "Escape",
      bubbles: true,
      composed: true,
      cancelable: true,
    });
    part(".primary").dispatchEvent(escape);
    document.removeEventListener("keydown", outer);
    expect(log).toEqual(["snooze"]);
    expect(escape.defaultPrevented).toBe(true);
    expect(outer).not.toHaveBeenCalled();
  });

  test("says that a press begins, by pointer or by key, and by no other key", async () => {
    await begin();
    prompt!.show(facts());
    const down = (type: string, key = "") =>
      part(".primary").dispatchEvent(
        new KeyboardEvent(type, { key, bubbles: true, composed: true, cancelable: true }),
      );
    down("pointerdown");
    down("keydown", "Enter");
    down("keydown", "Tab");
    part(".secondary").dispatchEvent(new Event("pointerdown", { bubbles: true, composed: true }));
    expect(log).toEqual(["begin", "begin"]);
  });

  test("takes two quick clicks for one", async () => {
    await begin();
    prompt!.show(facts());
    for (const detail of [1, 2]) {
      part(".primary").dispatchEvent(new MouseEvent("click", { detail, bubbles: true, composed: true }));
    }
    expect(log).toEqual(["press"]);
  });

  test("keeps what happens in it from every listener of the app, and nothing else", async () => {
    await begin();
    prompt!.show(facts());
    const heard: string[] = [];
    const note = ({ type }: Event) => heard.push(type);
    const types = ["pointerdown", "mousedown", "pointerup", "click", "keydown", "focusin", "wheel", "paste"];
    const fire = (target: EventTarget) =>
      types.map((type) => target.dispatchEvent(new Event(type, { bubbles: true, composed: true })));
    for (const type of types) {
      document.addEventListener(type, note, true);
      document.addEventListener(type, note);
      window.addEventListener(type, note, true);
    }
    fire(part(".body"));
    expect(heard).toEqual([]);
    fire(document.body);
    expect(new Set(heard)).toEqual(new Set(types));
    heard.length = 0;
    prompt!.show(undefined);
    fire(document.body);
    expect(new Set(heard)).toEqual(new Set(types));
    for (const type of types) {
      document.removeEventListener(type, note, true);
      document.removeEventListener(type, note);
      window.removeEventListener(type, note, true);
    }
  });

  test("goes by where a gesture began: what is dragged over it is the app's, a press in it ours", async () => {
    await begin();
    prompt!.show(facts());
    const heard: string[] = [];
    const note = ({ type }: Event) => heard.push(type);
    const types = ["mousemove", "mouseup"];
    for (const type of types) document.addEventListener(type, note);
    const fire = (target: EventTarget, type: string) =>
      target.dispatchEvent(new MouseEvent(type, { bubbles: true, composed: true, buttons: 1 }));
    fire(document.body, "mousedown");
    fire(part(".card"), "mousemove");
    fire(part(".card"), "mouseup");
    expect(heard).toEqual(types);
    heard.length = 0;
    fire(part(".card"), "mousedown");
    fire(document.body, "mousemove");
    fire(document.body, "mouseup");
    expect(heard).toEqual([]);
    for (const type of types) document.removeEventListener(type, note);
  });

  test("takes a key that is still down with it when it goes", async () => {
    await begin();
    prompt!.show(facts());
    const heard: string[] = [];
    const note = (event: Event) => heard.push(`${event.type} ${(event as KeyboardEvent).code}`);
    for (const type of ["keydown", "keyup"]) document.addEventListener(type, note);
    const fire = (target: EventTarget, type: string, code: string, repeat = false) => {
      const event = new KeyboardEvent(type, {
        code,
        repeat,
        bubbles: true,
        composed: true,
        cancelable: true,
      });
      target.dispatchEvent(event);
      return event.defaultPrevented;
    };
    fire(part(".secondary"), "keydown", "Enter");
    prompt!.show(undefined);
    // Into whatever has the focus then.
    expect(fire(document.body, "keydown", "Enter", true)).toBe(true);
    fire(document.body, "keyup", "Enter");
    expect(heard).toEqual([]);
    fire(document.body, "keydown", "Enter");
    fire(document.body, "keyup", "Enter");
    expect(heard).toEqual(["keydown Enter", "keyup Enter"]);
    for (const type of ["keydown", "keyup"]) document.removeEventListener(type, note);
  });

  test("is hidden from nobody by what an app's dialog does to all that is beside it", async () => {
    await begin();
    prompt!.show(facts());
    host()!.setAttribute("aria-hidden", "true");
    host()!.setAttribute("inert", "");
    await vi.advanceTimersByTimeAsync(100);
    expect([host()!.hasAttribute("aria-hidden"), host()!.hasAttribute("inert")]).toEqual([false, false]);
  });

  test("shows the time that is left, without a style attribute in its markup", async () => {
    const set = vi.spyOn(Element.prototype, "setAttribute");
    await begin();
    prompt!.show(counting(75_000, { lengthMs: 5 * MINUTE }));
    expect(part("[role=timer]").textContent).toBe("1:15");
    expect(part(".bar i").style.transform).toBe("scaleX(0.25)");
    prompt!.show(facts());
    expect([part("[role=timer]").hidden, part(".bar").hidden]).toEqual([true, true]);
    expect(set.mock.calls.map(([name]) => name)).not.toContain("style");
  });

  test("says its language, and runs from right to left where that does", async () => {
    const shown = card();
    const view = {
      mood: "calm",
      title: "",
      body: "",
      note: "",
      clock: "",
      busy: false,
      announce: "",
      shows: true,
    };
    for (const [lang, dir] of Object.entries({
      ar: "rtl",
      he: "rtl",
      "fa-IR": "rtl",
      de: "ltr",
      "zh-Hant": "ltr",
    })) {
      shown.show({ ...view, lang } as View);
      expect([host()!.lang, host()!.dir]).toEqual([lang, dir]);
    }
    shown.show();
  });

  test("stands in what fills the screen, and back in the page after that, with the focus", async () => {
    const film = document.body.appendChild(document.createElement("div"));
    await begin();
    prompt!.show(facts());
    part(".primary").focus();
    let full: Element | null = film;
    Object.defineProperty(document, "fullscreenElement", { configurable: true, get: () => full });
    document.dispatchEvent(new Event("fullscreenchange"));
    expect(host()!.parentNode).toBe(film);
    expect(host()!.shadowRoot!.activeElement).toBe(part(".primary"));
    full = document.body.appendChild(document.createElement("video"));
    document.dispatchEvent(new Event("fullscreenchange"));
    expect(host()!.parentNode).toBe(document.body);
    Reflect.deleteProperty(document, "fullscreenElement");
  });

  test("comes back when the page throws it out, and stays away once it is gone", async () => {
    let resized = () => {};
    vi.stubGlobal(
      "ResizeObserver",
      class {
        constructor(callback: () => void) {
          resized = callback;
        }
        observe() {}
        disconnect() {}
      },
    );
    await begin();
    prompt!.show(facts());
    document.body.replaceChildren();
    expect(host()).toBeNull();
    resized();
    expect(host()!.parentNode).toBe(document.body);
    prompt!.show(undefined);
    resized();
    document.dispatchEvent(new Event("focusin"));
    expect(host()).toBeNull();
  });

  test("of a countdown is folded by its handle or by Escape, and stays so for its notice, but not to the end", async () => {
    await begin();
    const folded = () => part(".card").classList.contains("folded");
    const handle = () => part(".handle");
    const escape = () =>
      part(".primary").dispatchEvent(
        new KeyboardEvent("keydown", { key: "Escape", bubbles: true, composed: true, cancelable: true }),
      );
    prompt!.show(facts());
    expect(handle().hidden).toBe(true);
    prompt!.show(counting(2 * MINUTE));
    expect([handle().hidden, folded(), handle().getAttribute("aria-expanded")]).toEqual([
      false,
      false,
      "true",
    ]);
    handle().click();
    expect([folded(), handle().getAttribute("aria-expanded")]).toEqual([true, "false"]);
    prompt!.show(counting(21_000));
    expect([folded(), part("[role=timer]").textContent]).toEqual([true, "0:21"]);
    prompt!.show(counting(20_000));
    expect([folded(), handle().hidden]).toEqual([false, true]);
    prompt!.show(counting(2 * MINUTE));
    expect(folded()).toBe(true);
    handle().click();
    expect(folded()).toBe(false);
    escape();
    expect(folded()).toBe(true);
    prompt!.show(counting(2 * MINUTE, { notice: { notice: 43 } }));
    expect(folded()).toBe(false);
    expect(log).toEqual([]);
  });

  test("gives the focus back to where it was before, when it goes and when Escape folds it", async () => {
    const field = document.body.appendChild(document.createElement("input"));
    await begin();
    for (const leave of [
      () => prompt!.show(undefined),
      () =>
        part(".primary").dispatchEvent(
          new KeyboardEvent("keydown", { key: "Escape", bubbles: true, composed: true, cancelable: true }),
        ),
    ]) {
      prompt!.show(counting(2 * MINUTE));
      field.focus();
      part(".primary").focus();
      expect(host()!.shadowRoot!.activeElement).toBe(part(".primary"));
      leave();
      expect(document.activeElement).toBe(field);
    }
    // Nor does it take it from where it is.
    field.blur();
    prompt!.show(undefined);
    expect(document.activeElement).toBe(document.body);
  });

  test("is light or dark as the page says, or else as the system does", async () => {
    await begin();
    const computed = vi.spyOn(window, "getComputedStyle");
    const schemes = {
      normal: "auto",
      "light dark": "auto",
      dark: "dark",
      "only dark": "dark",
      light: "light",
    };
    for (const [colorScheme, as] of Object.entries(schemes)) {
      computed.mockReturnValue({ colorScheme, paddingTop: "20px" } as CSSStyleDeclaration);
      prompt!.show(undefined);
      prompt!.show(facts());
      expect(part(".card").className).toContain(` ${as}`);
    }
    computed.mockRestore();
  });

  test("of another app stands above", () => {
    vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(100);
    const view = {
      lang: "en",
      mood: "calm",
      title: "",
      body: "",
      note: "",
      clock: "",
      busy: false,
      announce: "",
    };
    const [first, second] = [card(), card()];
    first.show(view as View);
    second.show(view as View);
    const margins = () =>
      [...document.querySelectorAll("[data-freshwire]")].map(
        (host) => host.shadowRoot!.querySelector<HTMLElement>(".card")!.style.marginBottom,
      );
    expect(margins()).toEqual(["0px", "112px"]);
    first.show();
    second.show({ ...view, title: "still there" } as View);
    expect(margins()).toEqual(["0px"]);
    second.show();
  });
});

describe("the app's own prompt", () => {
  test("is given the view whenever it changes, and null at the end", async () => {
    const views: (View | null)[] = [];
    await begin({ prompt: (view) => void views.push(view) });
    expect(prompt!.show(facts())).toBe(true);
    expect(prompt!.show(facts())).toBe(true);
    prompt!.show(undefined);
    prompt!.show(undefined);
    expect(views.map((view) => view && view.title)).toEqual(["A new version is ready", null]);
    views[0]!.primary!.press();
    expect(log).toEqual(["press"]);
    expect(host()).toBeNull();
  });

  test("that throws is replaced by the card, with one warning", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const own = vi.fn(() => {
      throw new Error("mine");
    });
    await begin({ prompt: own });
    expect(prompt!.show(facts())).toBe(true);
    expect(part("h2").textContent).toBe("A new version is ready");
    prompt!.show(facts({ state: "looking" }));
    expect([own.mock.calls.length, warn.mock.calls.length]).toEqual([1, 1]);
    expect(warn.mock.calls[0][0]).toMatch(/^freshwire: options\.prompt failed/);
  });
});

test("the preview shows every state, in the chosen language, and goes when it is closed", async () => {
  vi.useRealTimers();
  class Sheet {
    replaceSync() {}
  }
  vi.stubGlobal("CSSStyleSheet", Sheet);
  // What jsdom doesn't have.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
    this.dispatchEvent(new Event("close"));
  };
  preview({ text: { later: "Perhaps later" } });
  const dialog = document.querySelector("dialog")!;
  const root = dialog.querySelector("div")!.shadowRoot!;
  const cards = () => [...root.querySelectorAll("[data-freshwire]")].map((host) => host.shadowRoot!);
  await eventually(() => cards().length == 15);
  const labels = cards().map((card) => card.querySelector(".secondary")!.textContent);
  expect(labels).toContain("Perhaps later");
  const [state] = root.querySelectorAll("select");
  state.value = "Failed";
  state.dispatchEvent(new Event("change"));
  await eventually(() => cards().length == 0);
  expect(document.querySelectorAll("[data-freshwire]")).toHaveLength(1);
  root.querySelector("button")!.click();
  expect(document.body.childElementCount).toBe(0);
});
