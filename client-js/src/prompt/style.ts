/** The card's looks, as a constructable style sheet: allowed under a strict CSP. Themed by `--freshwire-*`. */

export const STYLE = `
:host{all:initial!important;position:fixed!important;inset:auto!important;inset-block-end:0!important;inset-inline-end:0!important;
z-index:2147483647!important;display:block!important;box-sizing:border-box!important;max-inline-size:100%!important;padding:20px!important;
pointer-events:none!important;color-scheme:light dark}
*{box-sizing:border-box}
.card{--bg:var(--freshwire-background,#fff);--ink:var(--freshwire-color,#1b1f27);--soft:var(--freshwire-muted,#5b6472);
--accent:var(--freshwire-accent,#2f5fde);--on:var(--freshwire-on-accent,#fff);--line:var(--freshwire-border,#e3e6ec);--track:var(--freshwire-track,#e8ecf4);
pointer-events:auto;position:relative;overflow:hidden;inline-size:380px;max-inline-size:100%;padding:18px 20px 16px;
font:400 14px/1.5 var(--freshwire-font,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif);color:var(--ink);background:var(--bg);
border:1px solid var(--line);border-radius:var(--freshwire-radius,14px);text-align:start;overflow-wrap:anywhere;
box-shadow:0 1px 2px rgb(16 24 40/.06),0 12px 32px -8px rgb(16 24 40/.22);animation:in .28s cubic-bezier(.2,.8,.2,1)}
.security{--accent:var(--freshwire-security,#b4460f)}
.head{display:flex;align-items:center;gap:10px}
.dot{flex:none;margin-inline:4px 2px;inline-size:9px;block-size:9px;border-radius:50%;background:var(--accent);box-shadow:0 0 0 4px color-mix(in srgb,var(--accent) 16%,transparent)}
.failed .dot{background:var(--soft);box-shadow:none}
.busy .dot{animation:breathe 1.2s ease-in-out infinite alternate}
h2{flex:1;margin:0;font-size:15px;line-height:1.35;font-weight:600;letter-spacing:-.005em}
.time{flex:none;font-variant-numeric:tabular-nums;font-weight:600;font-size:15px;color:var(--accent)}
p{margin:6px 0 0;color:var(--soft)}
.note{font-size:12.5px}
.row{display:flex;flex-wrap:wrap;gap:8px;margin-block-start:14px}
button{appearance:none;cursor:pointer;min-block-size:36px;padding:7px 14px;font:inherit;font-size:13.5px;line-height:1.4;font-weight:600;border-radius:var(--freshwire-button-radius,9px);border:1px solid transparent;
transition:background-color .12s,border-color .12s,filter .12s}
.primary{color:var(--on);background:var(--accent)}
.primary:hover{filter:brightness(1.08)}
.secondary{color:var(--ink);background:transparent;border-color:var(--line)}
.secondary:hover{background:color-mix(in srgb,var(--ink) 6%,transparent)}
button:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
button[aria-disabled=true]{opacity:.6;cursor:default;filter:none}
.bar{position:absolute;inset-block-end:0;inset-inline:0;block-size:4px;background:var(--track)}
.bar i{display:block;block-size:100%;background:var(--accent);transform-origin:0 50%;transition:transform 1s linear}
.rtl .bar i{transform-origin:100% 50%}
.counting{padding-block-end:20px}
.said{position:absolute;inline-size:1px;block-size:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[hidden]{display:none!important}
@media (prefers-color-scheme:dark){.card{--bg:var(--freshwire-background,#1c2029);--ink:var(--freshwire-color,#f1f3f7);--soft:var(--freshwire-muted,#a9b2c1);
--accent:var(--freshwire-accent,#84a9ff);--on:var(--freshwire-on-accent,#0f1626);--line:var(--freshwire-border,#343b49);--track:var(--freshwire-track,#2c3341);
box-shadow:0 1px 2px rgb(0 0 0/.4),0 16px 40px -8px rgb(0 0 0/.6)}.security{--accent:var(--freshwire-security,#f5a574)}}
@media (max-width:480px){:host{inset-inline:0!important;padding:12px!important;padding-block-end:max(12px,env(safe-area-inset-bottom))!important}.card{inline-size:auto}button{flex:1}}
@media (prefers-reduced-motion:reduce){.card,.busy .dot{animation:none}.bar i,button{transition:none}}
@media (forced-colors:active){.bar i,.dot{background:Highlight}button{border-color:ButtonText}}
@media print{:host{display:none!important}}
@keyframes in{from{opacity:0;transform:translateY(10px)}}
@keyframes breathe{to{opacity:.35}}
`;
