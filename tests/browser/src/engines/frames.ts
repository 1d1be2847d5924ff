/** Pages within pages: a host document that has frames in it, and a way to talk to them from the test. */

import type { Site } from "../site.js";
import type { Tab } from "./engine.js";

/** What a frame of any origin does when it is told by a message. */
export const LISTENING = `addEventListener("message", ({ data }) => {
  if (data.pass) clock.pass(data.pass);
  if (data.hold) freshwire.hold(data.hold);
});`;

/** A document of somebody who knows nothing of Freshwire, at `/host`, with a frame in it. */
export function hosting(site: Site, frame: string, head = ""): string {
  site.files["/host.html"] = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8" /><title>Somebody's page</title>${head}</head>
<body><h1>Somebody's page</h1><iframe id="frame" src="${frame}" width="900" height="600"></iframe></body>
</html>`;
  return `${site.origin}/host.html`;
}

/** A frame in the page that the tab is at. */
export const embed = (tab: Tab, url: string) =>
  tab.evaluate((url) => {
    const frame = document.createElement("iframe");
    frame.id = "frame";
    frame.src = url;
    document.body.append(frame);
  }, url);

export const tell = (tab: Tab, message: Record<string, unknown>) =>
  tab.evaluate(
    (message) =>
      document.querySelector<HTMLIFrameElement>("#frame")!.contentWindow!.postMessage(message, "*"),
    message,
  );

/**
 * What only the document in front of the user answers, as often as it is asked. Not by `performance.timeOrigin`: WebKit
 * reckons it anew each time, and the wall clock may have moved by a millisecond.
 */
export const born = (tab: Tab) =>
  tab.evaluate(() => ((window as never as { born?: number }).born ??= Math.random()));
