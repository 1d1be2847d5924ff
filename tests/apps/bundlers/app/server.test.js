/**
 * Where an app is rendered.
 *
 * @jest-environment node
 */

const { connect } = require("freshwire");
const { freshwire } = require("freshwire/vite");

test("there is no page to connect", () => {
  expect(connect({ app: "web", url: "https://fresh.example.com" }).status.connection).toBe("closed");
});

test("the plugin is there, too", () => {
  expect(freshwire({ app: "web", url: "https://fresh.example.com" }).name).toBe("freshwire");
});
