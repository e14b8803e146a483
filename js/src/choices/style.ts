/**
 * One sheet for banner, preferences and what stands in the page. Sites colour it by the custom properties; what stands
 * among the words of a page is written as they are.
 */
export const CSS = `
:host{all:initial;display:block;direction:ltr;color-scheme:light dark;font:var(--footfall-font,16px/1.5 system-ui,sans-serif);color:var(--t);
--b:var(--footfall-background,#fff);--t:var(--footfall-text,#1b1d21);--l:var(--footfall-line,#767b85);
--a:var(--footfall-button,#1b1d21);--c:var(--footfall-button-text,#fff);--r:var(--footfall-radius,6px)}
@media(prefers-color-scheme:dark){:host{--b:var(--footfall-background,#1b1d21);--t:var(--footfall-text,#f2f3f5);
--l:var(--footfall-line,#8d929b);--a:var(--footfall-button,#f2f3f5);--c:var(--footfall-button-text,#1b1d21)}}
:host(footfall-choices){color:inherit;font:inherit}
*{box-sizing:border-box}
h2,h3,p,ul{margin:0 0 .5em;font-size:1em;overflow-wrap:anywhere}
h2{font-size:1.15em;line-height:1.3}
ul{padding-inline-start:1.2em;font-size:.9em}
.bar{position:fixed;inset:auto 0 0;z-index:2147483000;max-height:75vh;overflow:auto;background:var(--b);
border-block:1px solid var(--l);padding:16px max(16px,calc(50vw - 480px));box-shadow:0 0 16px #0003}
.up{inset:0 0 auto}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:12px;margin:12px 0 4px;max-width:520px}
.rest{display:flex;flex-wrap:wrap;gap:0 20px}
button,a{min-height:44px;font:inherit;color:inherit;cursor:pointer;overflow-wrap:anywhere}
.big{border:1px solid var(--a);border-radius:var(--r);background:var(--a);color:var(--c);padding:8px 16px;min-width:88px}
.pair>:nth-child(3){grid-column:1/-1}
.link{border:0;background:none;padding:0;text-decoration:underline;display:inline-flex;align-items:center;text-align:start}
:focus-visible{outline:3px solid currentColor;outline-offset:2px}
.chip{position:fixed;inset-block-end:12px;inset-inline-start:12px;z-index:2147482999;background:var(--b);
border:1px solid var(--l);border-radius:var(--r);padding:8px 14px;font-size:14px}
dialog{border:1px solid var(--l);border-radius:var(--r);background:var(--b);color:var(--t);padding:20px;
width:min(600px,calc(100vw - 24px));max-height:calc(100vh - 24px);overflow:auto}
dialog::backdrop{background:#0009}
fieldset{border:0;border-block-start:1px solid var(--l);margin:0;padding:12px 0;min-width:0}
label{display:flex;gap:12px;align-items:center;min-height:44px;font-weight:600;cursor:pointer}
input{width:24px;height:24px;flex:none;margin:0;accent-color:var(--a)}
summary{min-height:44px;display:flex;align-items:center;cursor:pointer;text-decoration:underline}
.embed{display:grid;place-content:center;gap:12px;min-height:inherit;height:100%;padding:16px;background:var(--b);
border:1px solid var(--l);border-radius:var(--r);text-align:center}
iframe{display:block;border:0;width:100%;height:100%;min-height:inherit}
:host(footfall-banner){font:var(--footfall-font,16px/1.5 system-ui,sans-serif)!important;color:var(--t)!important;direction:ltr!important;
text-align:start!important;text-transform:none!important;letter-spacing:normal!important;opacity:1!important}
@media print{:host(footfall-banner){display:none}}
@media(forced-colors:active){.big,.chip{border:2px solid}}
@media(max-width:420px){.bar{padding:12px}.pair{gap:8px}.big{padding:8px}}
`;
