/** A picture of the real census for the README: what `freshwire` prints on a terminal while the demo's crowd moves. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { BINARY } from "../../src/freshwire.js";
import { until } from "../../src/until.js";
import { world } from "../world.js";

const here = world();
const IMAGE = fileURLToPath(new URL("../../../../docs/images/census.png", import.meta.url));
const COLUMNS = 112;
const COLOURS: Record<string, string> = {
  "1": "font-weight:600",
  "2": "color:#8b949e",
  "31": "color:#ff7b72",
  "32": "color:#56d364",
  "33": "color:#e3b341",
  "36": "color:#76e3ea",
};

const escape = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

/** Colours of a terminal as spans. */
function html(text: string): string {
  const styled = escape(text).replace(/\x1b\[([\d;]*)m/g, (_, codes: string) => {
    const style = codes.split(";").map((code) => COLOURS[code] ?? "");
    return codes == "0" || codes == "" ? "</span>" : `<span style="${style.join(";")}">`;
  });
  return styled.replace(/\r/g, "");
}

test("the census while a minimum moves pages", async () => {
  const flags = ["demo", "--listen", "127.0.0.1:0", "--shop-listen", "127.0.0.1:0", "--for", "3m"];
  const demo = spawn(BINARY, flags, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    let said = "";
    demo.stdout.on("data", (chunk) => (said += chunk));
    const exports = await until("the demo has opened", () => {
      const lines = said.split("\n").filter((line) => line.trim().startsWith("export "));
      return lines.length == 2 && said.includes("census") && lines.join("\n");
    });
    const run = async (...args: string[]) => {
      const quoted = args.map((arg) => `'${arg}'`).join(" ");
      const script = `${exports}\nexport COLUMNS=${COLUMNS} TERM=xterm\nscript -qec "${BINARY} ${quoted}" /dev/null`;
      return (await promisify(execFile)("bash", ["-euc", script])).stdout;
    };
    await until("the crowd is there", async () =>
      /2[5-9]\d sessions|3\d\d sessions/.test(await run("census", "shop")),
    );
    const minimum = ["minimum", "shop", "2.5.0", "--reason", "CVE-2026-1234"];
    const raised = await run(...minimum, "--yes");
    let census = "";
    await until("some have moved", async () => {
      census = await run("census", "shop");
      return Number(/current\D*?(\d+)\s+\d+%/.exec(census.replace(/\x1b\[[\d;]*m/g, ""))?.[1]) > 180;
    });

    const context = await here.browser.newContext({
      deviceScaleFactor: 2,
      viewport: { width: 1200, height: 400 },
    });
    const page = await context.newPage();
    const prompt = (args: string[]) =>
      `<span style="color:#8b949e">$</span> freshwire ${escape(args.join(" "))}\n`;
    await page.setContent(`<!doctype html><meta charset="utf-8"><style>
      body{margin:0;background:#0d1117;color:#e6edf3;display:inline-block}
      pre{margin:0;padding:22px 26px;width:${COLUMNS + 4}ch;white-space:pre-wrap;font:13px/1.55 "DejaVu Sans Mono",monospace}
    </style><pre>${prompt(minimum)}${html(raised)}\n${prompt(["census", "shop"])}${html(census).trimEnd()}</pre>`);
    const png = await page.locator("body").screenshot({ path: IMAGE });
    expect(png.length).toBeGreaterThan(10_000);
  } finally {
    demo.kill("SIGTERM");
    await once(demo, "exit");
  }
});
