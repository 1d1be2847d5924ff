/** The looks of the preview around the cards. */

export const PREVIEW_STYLE = `
:host{all:initial!important;display:block!important;min-height:100%!important;--paper:#f4f5f8;--ink:#1b1f27;--soft:#5b6472;--line:#dcdfe7;--field:#fff;--ghost:#e6e9f0;--accent:#2f5fde;
color:var(--ink)!important;background:var(--paper)!important;font:14px/1.5 system-ui,sans-serif!important}
*{box-sizing:border-box;margin:0}
header{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;align-items:end;gap:12px 16px;padding:14px 28px;background:var(--paper);border-bottom:1px solid var(--line)}
h1{flex:1 0 200px;align-self:center;font-size:16px;font-weight:600}
h1 span{display:block;font-size:12.5px;font-weight:400;color:var(--soft)}
label{display:grid;gap:3px;font-size:12px;color:var(--soft)}
select,button{min-height:36px;padding:6px 12px;font:inherit;font-size:14px;color:var(--ink);background:var(--field);border:1px solid var(--line);border-radius:8px}
button{cursor:pointer;font-weight:600}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,380px),1fr));gap:32px 28px;padding:28px;align-items:start}
h2{margin-bottom:10px;font-size:12.5px;font-weight:600;color:var(--soft)}
.page{display:grid;gap:14px;max-width:680px;padding:48px 28px}
.page i{display:block;height:14px;border-radius:7px;background:var(--ghost)}
.page i:first-child{width:45%;height:28px;margin-bottom:10px;border-radius:9px}
.page i:nth-child(4n){width:70%;margin-bottom:22px}
output{position:fixed;inset:auto auto 20px 28px;padding:8px 14px;color:var(--paper);background:var(--ink);border-radius:9px}
output:empty{display:none}
[hidden]{display:none!important}
@media (prefers-color-scheme:dark){:host{--paper:#12151b;--ink:#f1f3f7;--soft:#a9b2c1;--line:#2c323e;--field:#1c2029;--ghost:#1e232d;--accent:#84a9ff;color-scheme:dark}}
`;
