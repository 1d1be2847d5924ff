// Behind the counter. No part of the shop: it shows what Freshwire knows, and presses the operator's buttons by way of
// the shop's server, which holds the token. Loaded before the snippet, so that it can listen to the page's socket.
(() => {
  const EVERY_MS = 700;
  const FRAMES = 12;
  const ROWS = 8;

  // ── the wire: what this page and the server say to each other ─────────────────────────────────────
  const frames = [];
  let session;
  let wired = () => {};
  const heard = (way, data) => {
    try {
      const frame = JSON.parse(data);
      if (frame.type === "welcome") session = frame.session;
      const { type, ...rest } = frame;
      for (const secret of ["resume", "token"]) delete rest[secret];
      frames.unshift({ way, type, rest: JSON.stringify(rest) });
      frames.length = Math.min(frames.length, FRAMES);
      wired();
    } catch {
      // Not a frame of Freshwire's.
    }
  };
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => heard("←", data));
    }
    send(data) {
      heard("→", data);
      super.send(data);
    }
  };

  const PAGE = {
    current: "This page is on the current build.",
    stale: "This page is older than the current build, and still supported.",
    unsupported: "This page is below what is supported.",
    ahead: "This page is ahead of the current build.",
    unknown: "This page waits to be judged.",
  };
  const ASKS = {
    navigate: "It will move when nobody notices.",
    prompt: "It is asked to refresh, and may be put off.",
    countdown: "It is asked to refresh, and does so by itself when the time is up.",
    force: "It refreshes at once.",
  };
  const BAD = ["stuck", "still_old"];
  const STATES = ["sent", "received", "shown", "snoozed", "held", "stuck", "asleep", "refreshing", "refreshed", "still_old"];

  const make = (tag, className, ...inside) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...inside);
    return element;
  };
  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  addEventListener("DOMContentLoaded", () => {
    const panel = document.getElementById("panel");
    const build = document.querySelector("meta[name=freshwire-build]").content;

    const toggle = make("button", "p-toggle", "Show more");
    toggle.type = "button";
    const shut = (yes) => {
      panel.toggleAttribute("data-shut", yes);
      toggle.setAttribute("aria-expanded", String(!yes));
      write(toggle, yes ? "Show more" : "Show less");
    };
    toggle.onclick = () => shut(!panel.hasAttribute("data-shut"));

    const pill = make("span", "p-pill", "…");
    const line = make("span", "p-soft", "");
    const dot = make("span", "p-dot");
    const about = make("p", "", "");
    const identity = make("p", "p-soft", "");
    const page = make("section", "p-page", make("div", "p-row", make("h2", "", "This page"), dot, line), about, identity);

    const button = (name, path) => {
      const label = make("b", "", name);
      const hint = make("small", "", "…");
      const element = make("button", "", label, hint);
      element.type = "button";
      element.id = `press-${path}`;
      element.onclick = () => press(path, element);
      return { element, label, hint };
    };
    const deploy = button("Deploy a build", "deploy");
    const minimum = button("Raise the minimum", "minimum");
    const cdn = button("Break the CDN", "cdn");
    const rollback = button("Roll back", "rollback");
    const buttons = make("div", "p-buttons", ...[deploy, minimum, cdn, rollback].map(({ element }) => element));
    buttons.setAttribute("role", "group");
    buttons.setAttribute("aria-label", "What an operator can do");

    const happened = make("p", "");
    const watch = make("p", "");
    const story = make("section", "p-story", happened, watch);
    story.setAttribute("role", "status");
    write(happened, "This shop is open in a few hundred browsers, on five builds.");
    write(watch, "Deploy a build, and watch the bars below. This page is one of them.");

    const pages = make("span", "p-soft", "");
    const bars = make("ul", "p-bars");
    const chips = make("ul", "p-chips");
    chips.setAttribute("aria-label", "What those do that were told");
    const census = make("section", "p-census", make("div", "", make("h2", "", "Who is on what"), pages), bars, chips);

    const wire = make("ol", "p-wire");
    const details = make("details", "p-more", make("summary", "", "On the wire between this page and Freshwire"), wire);

    census.classList.add("p-more");
    page.classList.add("p-more");
    panel.append(
      make("div", "p-in", make("div", "p-head", make("h2", "", "Behind the counter"), make("p", "p-row", make("span", "p-soft p-wide", "this page:"), pill), toggle), buttons, story, census, page, details),
    );
    shut(matchMedia("(max-width: 959.98px)").matches);

    // ── this page, as the snippet sees itself ───────────────────────────────────────────────────────
    let fresh;
    let known;
    const showPage = () => {
      const { standing, connection, notice } = fresh?.status ?? { standing: "unknown", connection: "connecting" };
      const mine = known?.browsers.find((browser) => browser.session === session);
      pill.style.setProperty("--c", `var(--${standing})`);
      dot.style.setProperty("--c", connection === "open" ? "var(--current)" : "var(--stale)");
      write(pill, standing);
      write(line, connection === "open" ? "connected" : connection);
      write(about, notice ? `${PAGE[standing]} ${ASKS[notice.action] ?? ""}` : PAGE[standing]);
      const state = notice && mine?.state ? `, ${mine.state.replace("_", " ")}${mine.outcome === "origin_stale" ? " (the origin is stale)" : ""}` : "";
      write(identity, `Build ${build}, session ${session ? session.slice(0, 8) : "…"}${state}`);
    };
    (window.freshwire ||= []).push((object) => {
      fresh = object;
      fresh.on("status", showPage);
      showPage();
    });
    wired = () => {
      if (details.open) {
        wire.replaceChildren(...frames.map(({ way, type, rest }) => make("li", "", `${way} `, make("b", "", type), ` ${rest}`)));
      }
      showPage();
    };
    details.ontoggle = wired;

    // ── everybody, as the server counts them ────────────────────────────────────────────────────────
    const rows = new Map();
    const rowOf = (build) => {
      if (!rows.has(build)) {
        const parts = { version: make("b"), code: make("code", "", build.slice(0, 8)), standing: make("i"), n: make("span", "p-n"), fill: make("i") };
        const open = make("a", "", "open one");
        open.href = `/left-open/${encodeURIComponent(build)}`;
        open.target = "_blank";
        open.title = "Open a tab as if it had been left open since this build";
        parts.open = open;
        const bar = make("div", "p-bar", parts.fill);
        bar.setAttribute("aria-hidden", "true");
        rows.set(build, { ...parts, li: make("li", "", make("span", "p-name", parts.version, parts.code, parts.standing, open), parts.n, bar) });
      }
      return rows.get(build);
    };
    const showCensus = ({ census, states, broken }) => {
      const counted = new Map(census.rows.map((row) => [row.build, row]));
      const all = Math.max(1, census.sessions);
      for (const row of census.rows) {
        const shown = rowOf(row.build);
        shown.number = row;
        write(shown.version, row.version ?? "–");
        write(shown.standing, row.standing);
        write(shown.n, String(row.sessions));
        shown.open.setAttribute("aria-label", `Open a page on ${row.version ?? row.build}`);
        shown.li.style.setProperty("--c", `var(--${row.standing})`);
        shown.fill.style.width = row.sessions ? `max(4px, ${(row.sessions / all) * 100}%)` : "0";
        shown.li.toggleAttribute("data-none", row.sessions === 0 && row.standing !== "current");
      }
      // A build that nobody is on any more is shown empty for as long as there is room.
      for (const [build, shown] of rows) {
        if (counted.has(build)) continue;
        write(shown.n, "0");
        shown.fill.style.width = "0";
        shown.li.toggleAttribute("data-none", true);
      }
      const released = ({ released_at }) => Date.parse(released_at) || 0;
      const order = [...rows.entries()].sort(([, a], [, b]) => released(b.number) - released(a.number));
      for (let left = order.length - ROWS, i = order.length - 1; left > 0 && i >= 0; i--) {
        if (counted.has(order[i][0])) continue;
        order[i][1].li.remove();
        rows.delete(order.splice(i, 1)[0][0]);
        left--;
      }
      order.forEach(([, { li }], i) => {
        if (bars.children[i] !== li) bars.insertBefore(li, bars.children[i] ?? null);
      });
      const below = order.find(([, { number }]) => number.why === "minimum");
      for (const [, { li }] of order) {
        if (li === below?.[1].li) li.dataset.floor = `minimum ${census.minimum}`;
        else delete li.dataset.floor;
      }
      const away = census.rows.reduce((sum, row) => sum + row.away, 0);
      write(pages, `${census.sessions} pages${away ? `, ${away} away` : ""}`);
      const said = STATES.filter((state) => states[state]);
      chips.replaceChildren(
        ...said.map((state) => {
          const old = broken && state === "stuck" ? " with the old document" : "";
          const chip = make("li", "", `${states[state]} ${state.replace("_", " ")}${old}`);
          chip.toggleAttribute("data-bad", BAD.includes(state));
          chip.toggleAttribute("data-good", state === "refreshed");
          return chip;
        }),
      );
    };
    const showButtons = ({ next, served, broken }) => {
      write(deploy.label, `Deploy ${next.deploy}`);
      write(deploy.hint, next.brings);
      write(minimum.hint, next.minimum ? `to ${next.minimum}, for CVE‑2026‑1234` : "");
      write(cdn.label, broken ? "Heal the CDN" : "Break the CDN");
      write(cdn.hint, broken ? `it is stuck on ${served.version}` : "the old document goes on being served");
      cdn.element.setAttribute("aria-pressed", String(broken));
      write(rollback.hint, next.back_to ? `to ${next.back_to}, and call pages back` : "");
    };
    let toldAt = "";
    const showStory = (told) => {
      if (!told || told.at < toldAt) return;
      toldAt = told.at;
      write(happened, told.text);
      write(watch, told.watch);
      story.toggleAttribute("data-refused", told.refused);
    };

    let asking;
    const ask = async () => {
      clearTimeout(asking);
      try {
        const response = await fetch("/demo/state");
        if (response.ok) {
          known = await response.json();
          showCensus(known);
          showButtons(known);
          showStory(known.story);
          showPage();
        }
      } catch {
        write(pages, "the demo has stopped");
      }
      asking = setTimeout(ask, EVERY_MS);
    };
    const press = async (path, element) => {
      if (element.getAttribute("aria-disabled") === "true") return;
      element.setAttribute("aria-disabled", "true");
      try {
        const response = await fetch(`/demo/${path}`, { method: "POST", headers: { "x-freshwire-demo": "1" } });
        if (response.ok) showStory(await response.json());
        void ask();
      } finally {
        element.removeAttribute("aria-disabled");
      }
    };
    void ask();
  });
})();
