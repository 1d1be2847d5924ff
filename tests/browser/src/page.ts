/** The sample app: a small order form, without inline script or style, so that it lives under any policy. */

import type { Build } from "./freshwire.js";

export const document = ({ build, version }: Build, head: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width" />
<title>Harbour Tea</title>
<link rel="stylesheet" href="/style.css" />
<script src="/app.js"></script>
${head}
</head>
<body>
<header><strong>Harbour Tea</strong><nav><a href="/">Shop</a><a href="/orders">Orders</a></nav></header>
<main>
<h1>Your order</h1>
<p>Three tins, on your doorstep by Thursday.</p>
<ul>
<li><span class="tin green"></span><b>Morning Sencha</b><i>100 g</i><span>€ 14</span></li>
<li><span class="tin amber"></span><b>Smoked Oolong</b><i>50 g</i><span>€ 19</span></li>
<li><span class="tin red"></span><b>Winter Chai</b><i>200 g</i><span>€ 11</span></li>
</ul>
<label>A note for us<textarea id="note" rows="3"></textarea></label>
<p class="row"><button id="count" type="button">Add a tin</button> <output id="tins">3</output> tins</p>
<footer id="build" data-build="${build}">Version ${version}</footer>
</main>
</body>
</html>
`;

/** The app's own code: it works or it doesn't, and it keeps what the browser complained of. */
export const SCRIPT = `
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI + " " + event.sample);
});
addEventListener("DOMContentLoaded", () => {
  const tins = document.getElementById("tins");
  document.getElementById("count").addEventListener("click", () => {
    tins.textContent = String(Number(tins.textContent) + 1);
  });
});
`;

export const STYLE = `
:root{color-scheme:light dark;--ink:#22302c;--soft:#6a7873;--paper:#f6f3ec;--card:#fffdf9;--line:#e6e0d3;--leaf:#2f6b52}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,"DejaVu Sans",sans-serif}
header{display:flex;justify-content:space-between;align-items:center;padding:18px 32px;background:var(--card);border-bottom:1px solid var(--line)}
header strong{font-size:18px;letter-spacing:.01em;color:var(--leaf)}
nav{display:flex;gap:22px}
a{color:inherit;text-decoration:none}
main{max-width:620px;margin:0;padding:28px 32px}
h1{margin:0 0 2px;font-size:24px}
p{margin:0 0 14px;color:var(--soft)}
ul{list-style:none;margin:0 0 20px;padding:0;background:var(--card);border:1px solid var(--line);border-radius:14px}
li{display:flex;align-items:center;gap:14px;padding:12px 18px}
li+li{border-top:1px solid var(--line)}
li b{flex:1;font-weight:600}
li i{color:var(--soft);font-style:normal}
.tin{width:30px;height:30px;border-radius:8px}
.green{background:#9fc4a8}.amber{background:#e0b56c}.red{background:#cf8b78}
label{display:block;font-weight:600;margin-bottom:14px}
textarea{display:block;width:100%;margin-top:6px;padding:10px 12px;font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:10px;resize:none}
.row button{padding:9px 18px;font:inherit;font-weight:600;color:#fff;background:var(--leaf);border:0;border-radius:10px}
footer{color:var(--soft);font-size:13px}
@media (prefers-color-scheme:dark){:root{--ink:#e8ede9;--soft:#9aa8a2;--paper:#141a18;--card:#1b2320;--line:#2b3632;--leaf:#7cc3a2}.row button{color:#10201a}}
`;
