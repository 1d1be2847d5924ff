import { expect, test } from "vitest";
import { isRunning, open, prompt } from "../src/browser.js";
import { A, B } from "../src/freshwire.js";
import { until } from "../src/until.js";
import { world } from "../src/world.js";

const here = world();

for (const [how, head] of [
  ["the script tag", undefined],
  ["the module", '<script type="module" src="/module.js"></script>'],
] as const) {
  test(`with ${how}, everything works under the strictest policy, and nothing is reported`, async () => {
    const { freshwire } = here;
    const { app, site } = await here.shop(A);
    if (head) {
      site.head = ({ build }) => `<meta name="freshwire-build" content="${build}" />${head}`;
      site.files["/module.js"] =
        `import { connect } from "${freshwire.origin}/freshwire.mjs"; connect({ app: "${app}" });`;
    }
    site.policy = [
      "default-src 'none'",
      `script-src 'self' ${freshwire.origin}`,
      "style-src 'self'",
      `connect-src 'self' ${freshwire.origin} ws://${freshwire.address}`,
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join("; ");
    const { page, errors } = await open(here.browser, `${site.origin}/`);
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (/Content Security Policy|Trusted/i.test(message.text())) complaints.push(message.text());
    });
    await freshwire.theSession(app, "on A", ({ build }) => build == A.build);
    await freshwire.release(app, B, { severity: "silent" });
    await freshwire.minimum(app, B);
    const { card, primary, body } = prompt(page);
    await card.waitFor();
    expect((await card.boundingBox())!.width, "it has its looks").toBe(380);

    // Held up by its origin first: the look, the report and the card's changes.
    await primary.click();
    await body.filter({ hasText: "available here yet" }).waitFor();
    expect(await page.evaluate(() => (window as never as { violations: string[] }).violations)).toEqual([]);
    site.deployed = B;
    await primary.click();
    await isRunning(page, B);
    await until("it is on B", async () => (await freshwire.census(app))[B.build] == 1);
    expect(await page.evaluate(() => (window as never as { violations: string[] }).violations)).toEqual([]);
    expect(complaints).toEqual([]);
    expect(errors).toEqual([]);
  });
}
