/** The style of the status page. */
export const PAGE_STYLE: string = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f8, #14171a);
  --card: light-dark(#fff, #1c2024);
  --ink: light-dark(#1a1f24, #e4e7ea);
  --soft: light-dark(#57616b, #9aa5b0);
  --line: light-dark(#dfe3e7, #2f353b);
  --accent: light-dark(#0b6e69, #5cc9c1);
  --good: light-dark(#17703a, #6fd08c);
  --warn: light-dark(#8a5300, #f0b95b);
  --bad: light-dark(#ae1f2b, #ff8b8f);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
main, header { max-width: 1240px; margin: 0 auto; padding: 0 20px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 6px 12px; padding-top: 22px; }
h1 { font-size: 21px; margin: 0; }
h2 { font-size: 15px; margin: 0 0 8px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; min-width: 0; }
main, #content { display: grid; gap: 14px; grid-template-columns: minmax(0, 1fr); }
main { padding-top: 14px; padding-bottom: 28px; }
.pair { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 3fr); gap: 14px; align-items: start; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); }
tbody tr:last-child > td { border-bottom: 0; }
th { color: var(--soft); font-weight: 600; font-size: 12px; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code, pre, .mono { font-family: ui-monospace, monospace; font-size: 12.5px; }
pre { margin: 10px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.keep { white-space: nowrap; }
.soft { color: var(--soft); }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 999px; padding: 0 8px; font-size: 12px; font-weight: 600; white-space: nowrap; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.push { margin-left: auto; }
.notice { border-left: 4px solid var(--warn); }
.notice.bad { border-left-color: var(--bad); color: inherit; }
.notice p { margin: 0; }
label { display: block; margin-bottom: 8px; }
button, input { font: inherit; color: inherit; background: transparent; border: 1px solid var(--soft); border-radius: 6px; padding: 4px 10px; }
input { min-width: 22em; max-width: 100%; }
button { cursor: pointer; }
button.open { border: 0; padding: 0; color: var(--accent); text-align: left; white-space: nowrap; }
button.open::before { content: "\\25B8\\00A0"; }
button.open[aria-expanded="true"]::before { content: "\\25BE\\00A0"; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
td.details { background: var(--ground); padding: 10px 14px; }
td.details th, td.details td { font-size: 13px; }
[hidden] { display: none !important; }
@media (max-width: 900px) { .pair { grid-template-columns: minmax(0, 1fr); } }
`;
