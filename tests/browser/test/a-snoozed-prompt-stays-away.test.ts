import { expect, test } from "vitest";
import { connected, isRunning, notices, prompt } from "../src/browser.js";
import { A, B, C, type Build } from "../src/freshwire.js";
import { never, until } from "../src/until.js";
import { world } from "../src/world.js";

const here = world();

test("Later puts a prompt off, over reloads and for newer releases; a security countdown breaks through", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const watched = await here.open(site);
  const { page } = watched;
  await connected(page);
  await freshwire.release(app, B, { severity: "important", over: "0s" });
  const { card, title, primary, secondary, time } = prompt(page);
  await card.waitFor();
  expect(await title.innerText()).toBe("A new version is ready");
  expect(await time.isVisible()).toBe(false);
  await secondary.filter({ hasText: "Later" }).click();
  await card.waitFor({ state: "detached" });
  await freshwire.theSession(
    app,
    "snoozed",
    ({ state, outcome }) => state == "snoozed" && outcome == "snoozed",
  );

  await page.reload();
  await connected(page);
  await never("it is shown again", () => card.count(), 3_000);
  await freshwire.theSession(app, "still snoozed", ({ state }) => state == "snoozed");

  await freshwire.release(app, C, { severity: "important", over: "0s" });
  await until("the page knows of C", () =>
    watched.received.some(({ type, current }) => type == "standing" && (current as Build).build == C.build),
  );
  await never("the next release is shown", () => card.count(), 3_000);

  site.deployed = C;
  await freshwire.minimum(app, C);
  await card.waitFor();
  expect(await time.innerText()).toMatch(/^\d:\d\d$/);
  await primary.click();
  await isRunning(page, C);
  expect(watched.errors).toEqual([]);
});

test("a release of normal severity shows nothing", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const watched = await here.open(site);
  await connected(watched.page);
  await freshwire.release(app, B, { over: "0s" });
  await until("the page was told", () => notices(watched).length == 1);
  expect(notices(watched)[0]).toMatchObject({ action: "navigate", build: B.build });
  await never("a card is shown", () => prompt(watched.page).card.count(), 3_000);
  expect(site.navigations).toBe(1);
});

test("More time extends a countdown within the operator's cap", async () => {
  const { freshwire } = here;
  const { app, site } = await here.shop(A);
  const { page } = await here.open(site);
  await connected(page);
  await freshwire.release(app, B, { severity: "silent" });
  await freshwire.minimum(app, B, { countdown: "2m", hold_cap: "1m" });
  const { secondary, time } = prompt(page);
  await secondary.filter({ hasText: "More time" }).click();
  // More than the two minutes that it had.
  await until("it says three minutes", async () =>
    /^(3:00|2:[1-5]\d|2:0[1-9])$/.test(await time.innerText()),
  );
  await secondary.waitFor({ state: "hidden" });
});
