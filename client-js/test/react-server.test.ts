import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import { connect, get } from "../src/index.js";
import { prompt } from "../src/prompt-entry.js";
import { useFreshwire, useHold, useKeep } from "../src/react/index.js";
import { stores } from "../src/store.js";

const OPTIONS = { url: "https://fresh.example.com", app: "web" };

test("rendered on a server, an app is connected to nothing, and nothing is remembered of it", () => {
  expect(typeof document).toBe("undefined");
  function App() {
    const { fresh, status, updated } = useFreshwire(OPTIONS);
    useHold(fresh, "a draft");
    useKeep(fresh, "note", "", () => {});
    return createElement("p", null, `${fresh.app} ${status.connection} ${updated}`);
  }
  expect(renderToString(createElement(App))).toBe("<p>web closed false</p>");
  expect(get("web")).toBeUndefined();
});

test("what connect gives on a server can be asked and told everything", () => {
  const fresh = connect(OPTIONS);
  const seen: boolean[] = [];
  stores(fresh).updated.subscribe((is) => seen.push(is))();
  expect(seen).toEqual([false]);
  fresh.hold("a draft")();
  fresh.keep(
    "note",
    () => "",
    () => {},
  )();
  fresh.saved();
  fresh.evidence("api_426");
  fresh.refresh();
  fresh.snooze();
  fresh.close();
  expect(connect({ ...OPTIONS, prompt })).not.toBe(fresh);
});
