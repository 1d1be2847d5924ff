/**
 * The card's looks, as a constructable style sheet: allowed under a strict CSP. Themed by `--freshwire-*`.
 * A backslash ends each line, since the line's end itself would cost bytes.
 */

export const STYLE = `\
:host{all:initial!important;position:fixed!important;inset:auto 0 0!important;z-index:2147483647!important;display:block!important;\
padding:var(--g)!important;pointer-events:none!important;--g:20px}\
:host([data-freshwire~=top]){inset:0 0 auto!important}\
*{box-sizing:border-box;margin:0}\
.card{--b:#fff;--c:#1b1f27;--m:#5b6472;--a:#2f5fde;--o:#fff;--l:#e3e6ec;--s:#b4460f;\
--accent:var(--freshwire-accent,var(--a));--soft:var(--freshwire-muted,var(--m));--line:var(--freshwire-border,var(--l));\
pointer-events:auto;overflow:hidden auto;overscroll-behavior:contain;width:380px;max-width:100%;max-height:calc(100vh - 2*var(--g));margin-inline-start:auto;padding:18px 20px 20px;\
font:14px/1.5 var(--freshwire-font,system-ui,sans-serif);color:var(--freshwire-color,var(--c));background:var(--freshwire-background,var(--b));\
border:1px solid var(--line);border-radius:var(--freshwire-radius,14px);overflow-wrap:anywhere;\
box-shadow:0 12px 32px -8px #10182847;animation:in .28s ease-out}\
:host([data-freshwire~=start]) .card{margin-inline:0 auto}\
.security{--accent:var(--freshwire-security,var(--s))}\
.failed{--accent:var(--soft)}\
.head{display:flex;align-items:center;gap:10px}\
.dot{margin-inline:4px 2px;width:9px;height:9px;border-radius:50%;background:var(--accent);box-shadow:0 0 0 4px color-mix(in srgb,var(--accent) 16%,transparent)}\
.busy .dot{animation:busy 1.2s infinite alternate}\
h2,.time{font-size:15px;font-weight:600}\
h2{flex:1}\
.time{font-variant-numeric:tabular-nums;color:var(--accent)}\
p{margin-top:6px;color:var(--soft);white-space:pre-line}\
.note{font-size:13px}\
.row{display:flex;flex-wrap:wrap;gap:8px;margin-top:14px}\
button{cursor:pointer;min-height:36px;padding:7px 14px;font:inherit;font-weight:600;color:inherit;background:0 0;border:1px solid var(--line);border-radius:var(--freshwire-button-radius,9px)}\
.primary{color:var(--freshwire-on-accent,var(--o));background:var(--accent);border-color:transparent}\
button:hover{filter:brightness(.94)}\
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}\
button[aria-disabled=true]{opacity:.6;cursor:default}\
.bar{position:sticky;bottom:-20px;margin:16px -20px -20px;background:var(--freshwire-track,var(--line))}\
i{display:block;height:4px;background:var(--accent);transform-origin:0;transition:transform 1s linear}\
:host([dir=rtl]) i{transform-origin:100%}\
.handle{display:grid;place-items:center;width:32px;height:32px;min-height:0;padding:0;border:0;margin-block:-5px}\
.handle:before{content:"";width:9px;height:9px;border:solid var(--soft);border-width:0 2px 2px 0;transform:translateY(-2px) rotate(45deg)}\
.folded{width:fit-content;padding:8px 8px 8px 14px;padding-inline:12px 8px;border-radius:99px;animation:none}\
.folded :is(h2,p,.row,.bar){display:none}\
.folded .handle{margin:0}\
.folded .handle:before{transform:translateY(2px) rotate(225deg)}\
[hidden]{display:none!important}\
.said{position:absolute;clip-path:inset(50%)}\
.dark{--b:#1c2029;--c:#f1f3f7;--m:#a9b2c1;--a:#84a9ff;--o:#0f1626;--l:#343b49;--s:#f5a574}\
@media(prefers-color-scheme:dark){.auto{--b:#1c2029;--c:#f1f3f7;--m:#a9b2c1;--a:#84a9ff;--o:#0f1626;--l:#343b49;--s:#f5a574}}\
@media(max-width:400px),(max-height:400px){:host{--g:8px}}\
@media(prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important}}\
@media(forced-colors:active){i,.dot{background:Highlight}}\
@media print{.card{display:none}}\
@keyframes in{from{opacity:0;transform:translateY(10px)}}\
@keyframes busy{to{opacity:.35}}\
`;
