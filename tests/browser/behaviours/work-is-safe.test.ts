import { expect } from "vitest";
import { deploy, holdsAre, put, releaseNormally, userDoes, withCode } from "../src/engines/app.js";
import { aboutNavigation, behaviour, inEveryEngine } from "../src/engines/behaviour.js";
import { skip, withClock, withStillClock } from "../src/engines/clock.js";
import { PRIMARY, SECONDARY, attentive, cardSays, connected, isRunning } from "../src/engines/snippet.js";
import { A, B } from "../src/freshwire.js";
import { never, until } from "../src/until.js";

const UNSAVED = "unsaved input";
type Page = { freshwire: { saved(): void } };

const FORM = `<form id="order"><input id="name" /><button id="send">Send</button>
<button id="undo" type="reset">Undo</button></form>`;
const quietly = () =>
  document.querySelector("#order")!.addEventListener("submit", (event) => event.preventDefault());

inEveryEngine(
  "what was typed into a form holds the page until it has been sent well, or is undone",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await attentive(page);
    await put(page, FORM);
    await page.evaluate(quietly);
    await page.type("#name", "Ada");
    await holdsAre(freshwire, app, [UNSAVED]);
    // It may be on its way, or come back with an error.
    await page.click("#send");
    await never("it counts as saved", async () => !(await freshwire.sessions(app))[0]!.holds.length, 700);
    await userDoes(page, () => history.pushState(null, "", "/thanks"));
    await holdsAre(freshwire, app, []);
    await page.type("#name", "!");
    await holdsAre(freshwire, app, [UNSAVED]);
    await page.click("#undo");
    await holdsAre(freshwire, app, []);
    await page.type("#name", "x");
    await holdsAre(freshwire, app, [UNSAVED]);
    await page.press("Backspace");
    await holdsAre(freshwire, app, []);
  },
);

behaviour("a draft that has left the page is unsaved where it was written", async (here) => {
  const { tab, shop, freshwire } = here;
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await attentive(page);
  await put(page, FORM);
  await page.type("#name", "Ada");
  await holdsAre(freshwire, app, [UNSAVED]);
  await page.evaluate(() => (window as never as Page).freshwire.saved());
  await holdsAre(freshwire, app, []);
  await page.type("#name", "!");
  await holdsAre(freshwire, app, [UNSAVED]);
  await userDoes(page, () => document.querySelector("#order")!.remove());
  await never("it counts as saved", async () => !(await freshwire.sessions(app))[0]!.holds.length, 700);
  await userDoes(page, () => history.pushState(null, "", "/elsewhere"));
  await holdsAre(freshwire, app, []);
  await userDoes(page, () => history.back());
  await holdsAre(freshwire, app, [UNSAVED]);
  await page.evaluate(() => (window as never as Page).freshwire.saved());
  await holdsAre(freshwire, app, []);
});

/** What an app does to a draft without its being saved. */
const STILL_UNSAVED: [string, () => unknown][] = [
  [
    "sent, and answered with an error",
    () => {
      const form = document.querySelector<HTMLFormElement>("#order")!;
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        void fetch("/none-such", { method: "POST" });
      });
      form.requestSubmit();
    },
  ],
  [
    "the first step of several, with its data in memory",
    () => {
      const form = document.querySelector<HTMLFormElement>("#order")!;
      form.addEventListener("submit", (event) => event.preventDefault());
      form.requestSubmit();
      form.outerHTML = "<form><label><input type=checkbox> And gift wrap</label></form>";
    },
  ],
  [
    "away for its preview",
    () => {
      const form = document.querySelector<HTMLFormElement>("#order")!;
      form.outerHTML = "<p>Ada</p>";
    },
  ],
];

for (const [what, act] of STILL_UNSAVED) {
  behaviour(`a tab out of sight keeps a draft that is ${what}`, async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withClock(site);
    const page = await tab(site);
    await connected(page);
    await attentive(page);
    await put(page, FORM);
    await page.type("#name", "Ada");
    await userDoes(page, act);
    await holdsAre(freshwire, app, [UNSAVED]);
    await releaseNormally(freshwire, app, site, B);
    await tab("about:blank");
    await freshwire.theSession(app, "hidden", ({ visible }) => !visible);
    await skip(page, 11 * 60_000);
    await never("it is loaded anew", () => site.navigations > 1, 1_500);
    // And it isn't for ever: nobody has gone on with it since.
    await skip(page, 9 * 3_600_000);
    await isRunning(page, B);
  });
}

behaviour("a message that was sent holds nothing: the app has emptied its box", async (here) => {
  const { tab, shop, freshwire } = here;
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await attentive(page);
  await put(
    page,
    `<input id="say" /><button id="send" type="button">Send</button>
    <div id="rich" contenteditable style="min-height:30px"></div>
    <select id="rows"><option>10</option><option>50</option></select><input id="all" type="checkbox" />`,
  );
  await page.evaluate(() => {
    const empty = () => {
      document.querySelector<HTMLInputElement>("#say")!.value = "";
      document.querySelector("#rich")!.textContent = "";
    };
    const later = () => void setTimeout(empty, 300);
    document.querySelector("#send")!.addEventListener("click", later);
    for (const id of ["say", "rich"])
      document.getElementById(id)!.addEventListener("keydown", (event) => {
        if ((event as KeyboardEvent).key != "Enter") return;
        event.preventDefault();
        later();
      });
  });
  for (const field of ["#say", "#rich"]) {
    await page.type(field, "hello");
    await holdsAre(freshwire, app, [UNSAVED]);
    await page.press("Enter");
    await holdsAre(freshwire, app, []);
    await page.type(field, "again");
    await holdsAre(freshwire, app, [UNSAVED]);
    await page.click("#send");
    await holdsAre(freshwire, app, []);
  }
  await page.click("#all");
  await page.type("#rows", "5");
  await never("settings hold", async () => (await freshwire.sessions(app))[0]!.holds.length, 700);
});

behaviour("search fields, and what the app exempts, hold nothing", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await attentive(page);
  await put(
    page,
    `<input id="find" type="search" /><div role="search"><input id="filter" /></div>
    <div data-freshwire-ignore><input id="chat" /></div><input id="set" />`,
  );
  for (const field of ["#find", "#filter", "#chat"]) await page.type(field, "tea");
  // Nor does what the app itself puts in.
  await page.evaluate(() => {
    const field = document.querySelector<HTMLInputElement>("#set")!;
    field.value = "default";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await never("they hold the page", async () => (await freshwire.sessions(app))[0]!.holds.length, 700);
  await page.type("#set", "!");
  await holdsAre(freshwire, app, [UNSAVED]);
});

behaviour(
  "a controlled input, whose value is always its default, holds all the same",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    const page = await tab(site);
    await connected(page);
    await attentive(page);
    await put(page, `<input id="controlled" />`);
    await page.evaluate(() => {
      const field = document.querySelector<HTMLInputElement>("#controlled")!;
      field.addEventListener("input", () => field.setAttribute("value", field.value));
    });
    await page.type("#controlled", "Ada");
    expect(
      await page.evaluate(() => {
        const { value, defaultValue } = document.querySelector<HTMLInputElement>("#controlled")!;
        return value == defaultValue && value;
      }),
    ).toBe("Ada");
    await holdsAre(freshwire, app, [UNSAVED]);
  },
);

inEveryEngine("a field within an app's own element holds, too", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await attentive(page);
  await page.evaluate(() => {
    const host = document.createElement("app-field");
    host.id = "field";
    host.attachShadow({ mode: "open" }).innerHTML = "<textarea></textarea>";
    document.querySelector("main")!.append(host);
  });
  await page.type("#field >> textarea", "tea");
  await holdsAre(freshwire, app, [UNSAVED]);
});

behaviour("a press asks again while there is unsaved input", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  const page = await tab(site);
  await connected(page);
  await attentive(page);
  await page.type("#note", "tea");
  await deploy(freshwire, app, site, B);
  await cardSays(page, "CVE-2026-1234");
  await page.click(PRIMARY);
  expect(await cardSays(page, "unsaved input")).toContain("Refresh anyway");
  await freshwire.theSession(app, "held", ({ state, detail }) => state == "held" && detail == UNSAVED);
  await never("the page is reloaded", () => site.navigations > 1, 1_000);
  await page.click(SECONDARY);
  await isRunning(page, B);
});

inEveryEngine(
  "what the app keeps is there after the refresh, once, however slow it is",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withCode(
      site,
      `window.restored = [];
    const later = (value) => new Promise((done) => setTimeout(done, 200, value));
    freshwire.push((fresh) => {
      const restore = (state) => later().then(() => restored.push(state));
      fresh.keep("draft", () => later({ text: "Ring twice" }), restore);
      fresh.keep("draft", () => later({ text: "Ring twice" }), restore);
    });`,
    );
    const page = await tab(site);
    await connected(page);
    await deploy(freshwire, app, site, B);
    await cardSays(page, "CVE-2026-1234");
    await page.click(PRIMARY);
    await isRunning(page, B);
    const restored = () => (window as never as { restored: { text: string }[] }).restored;
    await page.until("it is restored", () => (window as never as { restored: unknown[] }).restored.length);
    expect(await page.evaluate(restored)).toEqual([{ text: "Ring twice" }]);
    // A reload of the user's own finds nothing of it any more.
    await page.reload();
    await connected(page);
    await never("it is restored again", async () => (await page.evaluate(restored)).length, 700);
  },
);

behaviour("what another version or another user kept is not restored", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  withCode(
    site,
    `window.restored = [];
    freshwire.push((fresh) => {
      const note = (name) => (state) => restored.push(name + state);
      const { build } = fresh;
      fresh.keep("versioned", () => 1, note("versioned"), { version: build });
      fresh.keep("owned", () => 2, note("owned"), { owner: build });
      fresh.keep("own", () => 3, note("own"), { version: 7, owner: "ada" });
    });`,
  );
  const page = await tab(site);
  await connected(page);
  await deploy(freshwire, app, site, B);
  await cardSays(page, "CVE-2026-1234");
  await page.click(PRIMARY);
  await isRunning(page, B);
  await connected(page);
  expect(await page.evaluate(() => (window as never as { restored: string[] }).restored)).toEqual(["own3"]);
});

inEveryEngine("after the refresh the user is where they were", async ({ tab, shop, freshwire }) => {
  const { app, site } = await shop(A);
  // An app that renders late: without help the browser has nowhere to scroll to.
  withCode(
    site,
    `addEventListener("load", () => setTimeout(() => {
      const main = document.querySelector("main");
      main.insertAdjacentHTML("beforeend", '<div style="height:3000px"></div><input name="far" /><div style="height:3000px"></div>');
      window.rendered = true;
    }, 150));
    history.scrollRestoration = "manual";`,
  );
  withStillClock(site);
  const page = await tab(site);
  await connected(page);
  // A page is patient for 3 s of its time. Here that passes only when somebody looks.
  const asTimePasses = <T, A extends unknown[]>(what: string, fn: (...args: A) => T, ...args: A) =>
    until(what, () =>
      skip(page, 20)
        .then(() => page.evaluate(fn, ...args))
        .catch(() => false),
    );
  await asTimePasses("it is rendered", () => (window as never as { rendered?: boolean }).rendered);
  await deploy(freshwire, app, site, B);
  await cardSays(page, "CVE-2026-1234");
  await page.click("[name=far]");
  const { y, far } = await page.evaluate(() => ({
    y: scrollY,
    far: document.activeElement?.getAttribute("name"),
  }));
  expect(y).toBeGreaterThan(2_000);
  expect(far).toBe("far");
  // By the keyboard, so that focus stays where it is.
  await page.evaluate(() => (window as never as { freshwire: { refresh(): void } }).freshwire.refresh());
  await isRunning(page, B);
  await asTimePasses(
    "they are where they were",
    (y) => Math.abs(scrollY - y) < 2 && document.activeElement?.getAttribute("name") == "far",
    y,
  );
});

const GUARDED = `addEventListener("beforeunload", (event) => {
  if (sessionStorage.getItem("leave")) return;
  sessionStorage.setItem("asked", String(1 + Number(sessionStorage.getItem("asked"))));
  event.preventDefault();
  event.returnValue = "stay";
});`;

aboutNavigation(
  "an app that asks to stay is not moved unasked, and its user sees no dialog",
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withCode(site, GUARDED);
    const page = await tab(site);
    await connected(page);
    // Nothing of the app's is run while there is nothing to go to.
    await freshwire.release(app, B, { over: "0s" });
    await freshwire.theSession(app, "told", ({ outcome }) => outcome == "received");
    await userDoes(page, () => history.pushState(null, "", "/first"));
    await never("it is asked", () => page.evaluate(() => sessionStorage.getItem("asked")), 1_000);
    site.deployed = B;
    await userDoes(page, () => history.pushState(null, "", "/orders"));
    await page.until("the app was asked", () => Number(sessionStorage.getItem("asked")) > 0);
    await never("the page is loaded anew", () => site.navigations > 1, 1_000);
    // It was asked, by an event of ours.
    expect(await page.evaluate(() => Number(sessionStorage.getItem("asked")))).toBe(1);
    expect(page.dialogs()).toEqual([]);
    await page.evaluate(() => sessionStorage.setItem("leave", "yes"));
    await userDoes(page, () => history.pushState(null, "", "/next"));
    await isRunning(page, B);
  },
);

inEveryEngine(
  "a user who pressed and then stays is left alone, and reported as held by it",
  { except: { webkit: "its driver closes every such dialog by leaving" } },
  async ({ tab, shop, freshwire }) => {
    const { app, site } = await shop(A);
    withClock(site);
    withCode(site, GUARDED);
    const page = await tab(site);
    await connected(page);
    await deploy(freshwire, app, site, B);
    await cardSays(page, "CVE-2026-1234");
    await page.click(PRIMARY);
    await page.until("the app was asked", () => Number(sessionStorage.getItem("asked")) > 0);
    await skip(page, 6_000);
    await freshwire.theSession(
      app,
      "held",
      ({ state, detail }) => state == "held" && detail == "beforeunload",
    );
    expect(page.dialogs()).toEqual(["beforeunload"]);
    expect(site.navigations).toBe(1);
    await page.evaluate(() => sessionStorage.setItem("leave", "yes"));
    await page.click(PRIMARY);
    await isRunning(page, B);
  },
);
