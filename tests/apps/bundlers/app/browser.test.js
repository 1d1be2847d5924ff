/**
 * What an app's own tests see of it.
 *
 * @jest-environment jsdom
 */

const { connect, get } = require("freshwire");
const { prompt } = require("freshwire/prompt");
const { useFreshwire } = require("freshwire/react");
const { stores } = require("freshwire/store");

test("an app that wishes for no server is connected to nothing, and nothing is said of it", async () => {
  const warn = jest.spyOn(console, "warn");
  const sockets = jest.spyOn(window, "WebSocket");
  const fresh = connect({ app: "web", url: false, prompt });
  const release = fresh.hold("unsaved draft");
  expect(fresh.keep("draft", () => 1, jest.fn())).toBeInstanceOf(Function);
  expect(stores(fresh).updated.value).toBe(false);
  release();
  fresh.refresh();
  // Longer than it takes to load a part where there is one to load.
  jest.useFakeTimers().advanceTimersByTime(10_000);
  expect(get("web")).toBe(fresh);
  expect(fresh.status.connection).toBe("closed");
  expect(useFreshwire).toBeInstanceOf(Function);
  expect(sockets).not.toHaveBeenCalled();
  expect(warn).not.toHaveBeenCalled();
});
