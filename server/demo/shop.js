// The shop: four routes by the history API, a basket, and a checkout whose draft is never lost.
const build = __BUILD__;
const has = (feature) => build.features.includes(feature);

const TEAS = [
  { id: "harbour-fog", name: "Harbour Fog", kind: "black", price: 9.5, stars: 5, notes: "Assam, bergamot, a little smoke", brew: ["95 °C", "4 minutes"] },
  { id: "first-frost", name: "First Frost", kind: "green", price: 11, stars: 4, notes: "Sencha picked late, pine and pear", brew: ["70 °C", "2 minutes"] },
  { id: "orchard-gate", name: "Orchard Gate", kind: "herbal", price: 8, stars: 4, notes: "Apple, chamomile, lemon balm", brew: ["100 °C", "7 minutes"] },
  { id: "night-ferry", name: "Night Ferry", kind: "herbal", price: 8.5, stars: 5, notes: "Rooibos, cocoa husk, orange peel", brew: ["100 °C", "6 minutes"] },
  { id: "long-meadow", name: "Long Meadow", kind: "green", price: 12.5, stars: 5, notes: "Dragonwell, toasted hazelnut", brew: ["80 °C", "3 minutes"] },
  { id: "slate-roof", name: "Slate Roof", kind: "black", price: 10, stars: 3, notes: "Keemun, dark plum, malt", brew: ["95 °C", "3 minutes"] },
];
const FREE_FROM = 40;
const POSTAGE = 4.9;
const tea = (id) => TEAS.find((tea) => tea.id === id);
const money = (amount) => `€${amount.toFixed(2)}`;
const clean = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

// ── what is kept in this browser, whatever build comes next ─────────────────────────────────────────
const kept = (key, empty) => {
  try {
    return JSON.parse(localStorage.getItem(`kettle:${key}`)) ?? empty;
  } catch {
    return empty;
  }
};
const keep = (key, value) => {
  try {
    if (value) localStorage.setItem(`kettle:${key}`, JSON.stringify(value));
    else localStorage.removeItem(`kettle:${key}`);
  } catch {
    // A browser that keeps nothing: the shop works until the page is left.
  }
};
let basket = kept("basket", {});
const put = (id, n) => {
  basket = { ...basket, [id]: Math.max(0, (basket[id] ?? 0) + n) };
  if (!basket[id]) delete basket[id];
  keep("basket", basket);
  draw();
};
const pieces = () => Object.values(basket).reduce((a, b) => a + b, 0);
const total = () => Object.entries(basket).reduce((sum, [id, n]) => sum + (tea(id)?.price ?? 0) * n, 0);

// ── the hold: a page with an order half written asks not to be reloaded ─────────────────────────────
let release;
const hold = () => {
  if (release) return;
  release = () => {};
  (window.freshwire ||= []).push((fresh) => {
    if (release) release = fresh.hold("unsaved order");
  });
};
const letGo = () => {
  release?.();
  release = undefined;
  // What Freshwire has seen typed into the form is safe, too.
  (window.freshwire ||= []).push((fresh) => fresh.saved());
};

// ── pieces ──────────────────────────────────────────────────────────────────────────────────────────
const tin = ({ id }) => {
  const n = TEAS.findIndex((tea) => tea.id === id);
  const leaf = (x, y, turn, size) =>
    `<path d="M0 0C${size * 0.5} ${-size * 0.5} ${size} ${-size * 0.4} ${size * 1.4} 0C${size} ${size * 0.4} ${size * 0.5} ${size * 0.5} 0 0Z" transform="translate(${x} ${y}) rotate(${turn})"/>`;
  const leaves = Array.from({ length: 3 + (n % 3) }, (_, i) => leaf(120, 96, -150 + (i * 120) / (2 + (n % 3)), 15 + ((n * 7 + i * 5) % 12))).join("");
  return `<svg viewBox="0 0 240 150" aria-hidden="true" fill="var(--accent)">
    <ellipse cx="120" cy="134" rx="62" ry="7" opacity=".14"/>
    <rect x="72" y="36" width="96" height="98" rx="12" opacity="${0.2 + n * 0.05}"/>
    <rect x="66" y="22" width="108" height="22" rx="9" opacity=".72"/>
    <rect x="84" y="62" width="72" height="52" rx="8" fill="var(--card)"/>
    <g opacity=".85">${leaves}</g></svg>`;
};
const stars = ({ stars }) =>
  has("ratings") ? `<span class="stars" role="img" aria-label="${stars} of 5 stars">${"★".repeat(stars)}${"☆".repeat(5 - stars)}</span>` : "";

const card = (tea, ofTheHour) => `
  <li class="tea ${ofTheHour ? "of-the-hour" : ""}">
    <a class="tin" href="/tea/${tea.id}" tabindex="-1" aria-hidden="true">${tin(tea)}</a>
    <div>
      ${ofTheHour ? `<span class="tag">Tea of the hour</span>` : ""}
      <h3><a href="/tea/${tea.id}">${tea.name}</a></h3>
      ${stars(tea)}
      <p>${tea.notes}</p>
      <span class="foot"><span class="price">${money(tea.price)}</span>
      <button class="button quiet" data-add="${tea.id}" aria-label="Add ${tea.name} to the basket">Add</button></span>
    </div>
  </li>`;

let kind = "all";
const catalogue = () => {
  const hour = has("hour") ? TEAS[new Date().getHours() % TEAS.length] : undefined;
  const shown = TEAS.filter((tea) => kind === "all" || tea.kind === kind).sort((a, b) => (b === hour) - (a === hour));
  const kinds = ["all", "green", "black", "herbal"];
  return `
    <div class="lead"><h1>Good tea, by the tin</h1>
    <p>Six teas, blended by people who drink them. Put one in your basket and begin an order: you will not lose it.</p></div>
    ${has("kinds") ? `<div class="kinds" role="group" aria-label="Kinds of tea">${kinds.map((k) => `<button data-kind="${k}" aria-pressed="${k === kind}">${k[0].toUpperCase()}${k.slice(1)}</button>`).join("")}</div>` : ""}
    <ul class="teas">${shown.map((tea) => card(tea, tea === hour)).join("")}</ul>`;
};

const product = (tea) => `
  <div class="product">
    <div class="tin">${tin(tea)}</div>
    <div>
      <h1>${tea.name}</h1>
      ${stars(tea)}
      <p>${tea.notes}. A tin of a hundred grams, about forty cups.</p>
      ${has("brewing") ? `<ul class="brew" aria-label="How to brew it"><li>2 teaspoons</li>${tea.brew.map((step) => `<li>${step}</li>`).join("")}</ul>` : ""}
      <p class="price">${money(tea.price)}</p>
      <p class="actions"><button class="button" data-add="${tea.id}">Add to the basket</button> <a class="button quiet" href="/">All teas</a></p>
    </div>
  </div>`;

const meter = () => {
  if (!has("delivery") || !pieces()) return "";
  const left = FREE_FROM - total();
  const says = left > 0 ? `${money(left)} to free delivery` : "Delivery is on us";
  return `<div class="meter"><span id="meter">${says}</span><progress aria-labelledby="meter" max="${FREE_FROM}" value="${Math.min(total(), FREE_FROM)}"></progress></div>`;
};

const cart = () => {
  const lines = Object.entries(basket).filter(([id]) => tea(id));
  if (!lines.length) return `<div class="lead"><h1>Your basket is empty</h1><p>That is easily mended.</p></div><p><a class="button" href="/">See the teas</a></p>`;
  return `<div class="lead"><h1>Your basket</h1></div>${meter()}
    <table class="lines"><tbody>${lines
      .map(
        ([id, n]) => `<tr><td><a href="/tea/${id}">${tea(id).name}</a></td>
        <td class="steps"><button data-less="${id}" aria-label="One ${tea(id).name} less">−</button><output>${n}</output><button data-add="${id}" aria-label="One ${tea(id).name} more">+</button></td>
        <td>${money(tea(id).price * n)}</td></tr>`,
      )
      .join("")}<tr><td>Delivery</td><td></td><td>${has("delivery") && total() >= FREE_FROM ? "free" : money(POSTAGE)}</td></tr></tbody></table>
    <a class="button" href="/checkout">Check out</a>`;
};

const checkout = () => {
  const draft = kept("draft", {});
  const field = (name, label, more = "") =>
    `<label>${label}<input name="${name}" value="${clean(draft[name] ?? "")}" ${more}></label>`;
  return `<div class="lead"><h1>Check out</h1>
    <p>While you type, this page holds back any reload. Save the draft, and it may go.</p></div>
    <form id="order">
      ${field("name", "Name", 'autocomplete="name"')}
      ${field("street", "Street and number", 'autocomplete="street-address"')}
      ${field("town", "Town", 'autocomplete="address-level2"')}
      ${has("gift") ? `<label>Gift note<textarea name="gift">${clean(draft.gift ?? "")}</textarea></label>` : ""}
      <p class="draft" role="status">${draft.name || draft.street || draft.town ? "Your draft is back, as you left it." : ""}</p>
      <div class="actions"><button class="button">Place the order</button>
      <button class="button quiet" type="button" id="save">Save the draft</button></div>
    </form>`;
};

const thanks = () => `<div class="lead"><h1>Thank you</h1><p>The kettle is on. Your order is as real as this shop.</p></div>
  <p><a class="button" href="/">Back to the teas</a></p>`;

// ── routes ──────────────────────────────────────────────────────────────────────────────────────────
const ROUTES = [
  [/^\/$/, catalogue, "Teas"],
  [/^\/tea\/([\w-]+)$/, (id) => (tea(id) ? product(tea(id)) : catalogue()), "Tea"],
  [/^\/basket$/, cart, "Basket"],
  [/^\/checkout$/, checkout, "Check out"],
  [/^\/thanks$/, thanks, "Thank you"],
];
const shop = document.getElementById("shop");
const link = (href, text) => `<a href="${href}" ${location.pathname === href ? 'aria-current="page"' : ""}>${text}</a>`;

function draw() {
  const [pattern, view, title] = ROUTES.find(([pattern]) => pattern.test(location.pathname)) ?? ROUTES[0];
  document.title = `${title} · Kettle & Leaf`;
  const n = pieces();
  shop.innerHTML = `
    <header class="top"><a class="brand" href="/">Kettle<i>&amp;</i>Leaf</a>
      <span class="badge" title="build ${build.id}">${build.version}</span>
      <nav aria-label="Shop">${link("/", "Teas")}${link("/basket", `Basket${n ? `<span class="count">${n}</span>` : ""}`)}${link("/checkout", "Check out")}</nav></header>
    <p class="news"><b>In ${build.version}:</b> ${clean(build.message)}</p>
    <main tabindex="-1">${view(...(pattern.exec(location.pathname) ?? []).slice(1))}</main>`;
}
function go(path) {
  // Leaving the form saves its draft: nothing is unsaved any more.
  letGo();
  history.pushState(null, "", path);
  draw();
  scrollTo(0, 0);
  shop.querySelector("main").focus({ preventScroll: true });
}

addEventListener("popstate", () => {
  letGo();
  draw();
});
shop.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  const add = at("[data-add]");
  const less = at("[data-less]");
  const chosen = at("[data-kind]");
  const to = at("a[href^='/']");
  if (add) put(add.dataset.add, 1);
  else if (less) put(less.dataset.less, -1);
  else if (chosen) {
    kind = chosen.dataset.kind;
    draw();
    shop.querySelector(`[data-kind=${kind}]`).focus();
  } else if (at("#save")) {
    letGo();
    const said = shop.querySelector(".draft");
    delete said.dataset.held;
    said.textContent = "Saved. This page may reload now; the draft comes back.";
  } else if (to && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    go(to.getAttribute("href"));
  }
});
shop.addEventListener("input", (event) => {
  const form = event.target.closest("form");
  if (!form) return;
  keep("draft", Object.fromEntries(new FormData(form)));
  hold();
  const said = form.querySelector(".draft");
  if (said.dataset.held) return;
  said.dataset.held = "";
  said.textContent = "An order is being written: this page holds back reloads.";
});
shop.addEventListener("submit", (event) => {
  event.preventDefault();
  keep("draft", undefined);
  keep("basket", undefined);
  basket = {};
  go("/thanks");
});

// A tab left open with an old build has an address of its own only to begin with: a reload gets what is served now.
if (location.pathname.startsWith("/left-open/")) history.replaceState(null, "", "/");
draw();
