// @vitest-environment jsdom
import { act, createElement, StrictMode, useState, type ReactElement } from "react";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Kept } from "../src/core/keep.js";
import { get } from "../src/index.js";
import { useFreshwire, useHold, useKeep } from "../src/react/index.js";
import { eventually } from "./eventually.js";
import { memoryStorage } from "./memory-storage.js";
import { listen, type Server } from "./server.js";

let server: Server;
let root: Root | undefined;
let place: HTMLElement;

beforeEach(async () => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("sessionStorage", memoryStorage());
  server = await listen();
  place = document.body.appendChild(document.createElement("div"));
});

afterEach(async () => {
  act(() => root?.unmount());
  root = undefined;
  get("web")?.close();
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  await server.stop();
});

const strictly = (element: ReactElement) => createElement(StrictMode, null, element);

async function show(element: ReactElement): Promise<void> {
  root ??= createRoot(place);
  await act(async () => root!.render(strictly(element)));
}

const options = () => ({ url: server.url, app: "web", build: "A" });
const connected = () => act(() => eventually(() => get("web")?.status.connection == "open"));

function Standing() {
  const { status, updated, fresh } = useFreshwire(options());
  return createElement("p", null, `${fresh.app} ${status.standing} ${updated}`);
}

describe("useFreshwire", () => {
  test("connects once, in StrictMode and in several components, and follows the status", async () => {
    await show(createElement("div", null, createElement(Standing), createElement(Standing)));
    await connected();
    expect(place.textContent).toBe("web unknown falseweb unknown false");
    server.peers[0]!.send({ type: "standing", standing: "stale", why: null, current: { build: "B" } });
    await act(() => eventually(() => get("web")!.status.standing == "stale"));
    expect(place.textContent).toBe("web stale trueweb stale true");
    expect(server.peers).toHaveLength(1);
  });

  test("stays connected when the component goes: the page is still there", async () => {
    await show(createElement(Standing));
    await connected();
    await show(createElement("p"));
    expect(get("web")!.status.connection).toBe("open");
    await show(createElement(Standing));
    expect(server.peers).toHaveLength(1);
  });

  test("hydrates what a server has rendered without a mismatch, then goes on from the status there is", async () => {
    server.welcome = { standing: "stale", why: null, current: { build: "B" } };
    place.innerHTML = renderToString(strictly(createElement(Standing)));
    expect(place.textContent).toBe("web unknown false");
    await eventually(() => get("web")!.status.standing == "stale");
    const errors: unknown[] = [];
    await act(async () => {
      root = hydrateRoot(place, strictly(createElement(Standing)), {
        onRecoverableError: (error) => errors.push(error),
      });
    });
    expect(place.textContent).toBe("web stale true");
    expect(errors).toEqual([]);
  });
});

describe("useHold", () => {
  function Draft({ dirty }: { dirty: boolean }) {
    const { fresh } = useFreshwire(options());
    useHold(fresh, "a draft", dirty);
    return null;
  }
  const holds = () => {
    const page = server.peers[0]?.frames.filter((frame) => frame.type == "page").at(-1);
    return page && "holds" in page ? page.holds.join() : undefined;
  };

  test("holds once while it is asked to, and lets go with the component", async () => {
    await show(createElement(Draft, { dirty: false }));
    await connected();
    await show(createElement(Draft, { dirty: true }));
    await eventually(() => holds() == "a draft");
    await show(createElement(Draft, { dirty: false }));
    await eventually(() => holds() == "");
    await show(createElement(Draft, { dirty: true }));
    await eventually(() => holds() == "a draft");
    await show(createElement("p"));
    await eventually(() => holds() == "");
  });
});

describe("useKeep", () => {
  function Note({ owner }: { owner?: string }) {
    const { fresh } = useFreshwire(options());
    const [note, setNote] = useState("");
    useKeep(fresh, "note", note, setNote, { version: 2, owner });
    return createElement("textarea", {
      value: note,
      onChange: () => setNote(area().value),
    });
  }
  const area = () => place.querySelector("textarea")!;
  /** As the page before this one has left it. */
  const leave = (state: string, owner?: string) =>
    sessionStorage.setItem(
      "freshwire:web:keep:note",
      JSON.stringify({ at: Date.now(), of: JSON.stringify([2, owner]), state } satisfies Kept),
    );

  test("gives a controlled field back what the page before it had, before it is painted", async () => {
    leave("two spoons");
    await show(createElement(Note, {}));
    expect(area().value).toBe("two spoons");
    expect(sessionStorage.getItem("freshwire:web:keep:note")).toBeNull();
  });

  test("gives it to no other version and no other owner", async () => {
    leave("two spoons", "ann");
    await show(createElement(Note, { owner: "ben" }));
    expect(area().value).toBe("");
    await show(createElement("p"));
    leave("three spoons", "ben");
    get("web")!.close();
    await show(createElement(Note, { owner: "ben" }));
    expect(area().value).toBe("three spoons");
  });

  test("saves what the field has at that moment, and nothing once it is gone", async () => {
    await show(createElement(Standing));
    const fresh = get("web")!;
    const undone: string[] = [];
    const { keep } = fresh;
    const kept = vi.spyOn(fresh, "keep").mockImplementation((...keeps) => {
      const undo = keep(...keeps);
      return () => {
        undone.push(keeps[0]);
        undo();
      };
    });
    await show(createElement(Note, {}));
    const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")!.set!;
    await act(async () => {
      set.call(area(), "three spoons");
      area().dispatchEvent(new Event("input", { bubbles: true }));
    });
    const calls = kept.mock.calls.length;
    expect(kept.mock.lastCall![1]()).toBe("three spoons");
    await show(createElement("p"));
    expect(kept.mock.calls).toHaveLength(calls);
    expect(undone).toHaveLength(calls);
  });
});
