/** A what-if as one file for any browser: no network, no script, no font; light and dark, on paper too; a table beside each chart. */
import { barChart } from './charts.ts';
import { type DataCell, dataTable, escapeHtml } from './markup.ts';
import type { CloudFigures, Counted, WhatIfReport } from './report.ts';
import { moneySections } from './html-money.ts';
import { ALL_NAMED, clauseText, dollars, number, sideNames, staysText, supposedEvents } from './text.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #fff; --line: #d0d7de; --recorded: #2f6db5; --supposed: #b4570b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b1; --paper: #0d1117; --line: #30363d; --recorded: #79b4f5; --supposed: #f0a050; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 76rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; } p { max-width: 46rem; } .soft { color: var(--soft); } .note { border-left: 4px solid var(--supposed); padding: .4rem .8rem; margin: 1rem 0; font-weight: 600; }
.sides { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem; margin: 1.5rem 0; }
.side { border: 1px solid var(--line); border-top: 6px solid; border-radius: 6px; padding: .75rem 1rem; } .side h2 { margin: 0 0 .25rem; } h1, .side { overflow-wrap: anywhere; }
#recorded { border-top-color: var(--recorded); } #supposed { border-top-color: var(--supposed); }
.side dl { display: grid; grid-template-columns: auto 1fr; gap: .15rem 1rem; margin: .5rem 0 0; } dt { color: var(--soft); } dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1.5rem; align-items: start; } figure { margin: 0; }
@media (max-width: 60rem) { .pair { grid-template-columns: minmax(0, 1fr); } }
svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg .value { font-variant-numeric: tabular-nums; }
rect.recorded { fill: var(--recorded); } rect.supposed { fill: var(--supposed); } svg .name { font-weight: 600; } .wide .pair { grid-template-columns: minmax(0, 1fr); }
.key span { display: inline-block; width: .9em; height: .9em; vertical-align: -.1em; margin: 0 .35em 0 1em; } .key .recorded { background: var(--recorded); } .key .supposed { background: var(--supposed); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: var(--soft); padding: 0 0 .35rem; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; white-space: nowrap; } th[scope=row], th:first-child, .words { text-align: left; } summary { cursor: pointer; color: var(--soft); padding: .6rem 0; }
@media (max-width: 34rem) { body { padding: 1rem .75rem 3rem; } .sides { gap: .5rem; } .side { padding: .5rem .6rem; } .side dl { grid-template-columns: minmax(0, 1fr); } dd { text-align: left; font-weight: 600; margin-bottom: .25rem; } }
@media print { :root { --ink: #000; --soft: #333; --paper: #fff; --line: #999; --recorded: #555; --supposed: #bbb; } body { padding: 0; max-width: none; font-size: 11px; } .scroll { overflow: visible; } section, .side, tr { break-inside: avoid; } rect { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
`;

export function reportHtml(report: WhatIfReport): string {
  const names = sideNames(report);
  const title = `What if: ${names[1]}`;
  const clouds = [
    section(
      'calls',
      'Calls by cloud',
      names,
      report.clouds,
      side => BigInt(side.calls),
      value => number(Number(value)),
      'calls',
    ),
    section(
      'cost',
      'Cost by cloud',
      names,
      report.clouds,
      side => BigInt(side.cost_micro_usd),
      value => dollars(String(value)),
      'cost_micro_usd',
    ),
    section(
      'states',
      'State placed, by cloud',
      names,
      report.clouds,
      side => BigInt(side.states),
      value => number(Number(value)),
      'states',
    ),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main>
<h1>${escapeHtml(title)}</h1>
<p class="soft">${escapeHtml(windowText(report))}</p>
${supposedEvents(report)
  .map(line => `<p class="note" role="note">${escapeHtml(line)}</p>`)
  .join('')}
${staysNote(report)}<p>${escapeHtml(summary(report))}</p>
${sides(report, names)}
<p class="key"><span class="recorded"></span>${escapeHtml(names[0])}<span class="supposed"></span>supposed: ${escapeHtml(names[1])}</p>
${clouds.join('\n')}
${moneySections(report, names)}
${moves(report)}
${counted('products', 'By product', report.products)}
${counted('channels', 'By channel', report.channels)}
${counted('clauses', 'By clause', report.clauses, clauseText)}
${breaches(report)}
<p class="soft">Money is what the calls cost by the prices of their targets. A call that was refused has no usage; what it would cost is counted at its bound, and apart.
Contract sets that encode public reporting are no legal advice.</p>
</main></body></html>
`;
}

function windowText({ placements, first, last, skipped }: WhatIfReport): string {
  const left = skipped > 0 ? ` ${number(skipped)} had no decision to replay.` : '';
  return `${number(placements)} recorded placements, ${first ?? 'none'} to ${last ?? 'none'}.${left}`;
}

function staysNote(report: WhatIfReport): string {
  const text = staysText(report);
  if (text === null) return '';
  return `<p data-figure="as_recorded" data-value="${report.as_recorded}">${escapeHtml(text)}.</p>\n`;
}

function summary({ changes, money }: WhatIfReport): string {
  return `${number(changes.moved)} would have moved, ${number(changes.refused)} would have been refused and ${number(changes.freed)} freed; ${number(changes.same)} stay as they were. ${number(changes.breaches)} of those that were placed break the supposed terms. Cost would change by ${dollars(money.difference_micro_usd, true)}.`;
}

/** The two sides, side by side: the same figures in the same order. */
function sides(report: WhatIfReport, names: readonly [string, string]): string {
  const side = (id: 'recorded' | 'supposed', title: string, readings: readonly string[]): string => {
    const total = (key: 'calls' | 'states' | 'tokens'): number =>
      report.clouds.reduce((sum, cloud) => sum + cloud[id][key], 0);
    const cost = id === 'recorded' ? report.money.recorded_micro_usd : report.money.supposed_micro_usd;
    const figures: readonly (readonly [string, string, string, string])[] = [
      ['Calls placed', 'calls', number(total('calls')), String(total('calls'))],
      ['States placed', 'states', number(total('states')), String(total('states'))],
      ['Tokens metered', 'tokens', number(total('tokens')), String(total('tokens'))],
      ['Cost', 'cost_micro_usd', dollars(cost), cost],
    ];
    const list = figures.map(
      ([label, key, text, value]) =>
        `<dt>${label}</dt><dd data-figure="total.${id}.${key}" data-value="${escapeHtml(value)}">${escapeHtml(text)}</dd>`,
    );
    return `<section class="side" id="${id}" aria-labelledby="${id}-h"><h2 id="${id}-h">${escapeHtml(title)}</h2><span class="soft">${escapeHtml(readings.join(', ') || 'no readings')}</span><dl>${list.join('')}</dl></section>`;
  };
  return `<div class="sides">${side('recorded', names[0], report.recorded.readings)}${side('supposed', names[1], report.supposed.readings)}</div>`;
}

function section(
  id: string,
  title: string,
  names: readonly [string, string],
  clouds: readonly CloudFigures[],
  valueOf: (side: CloudFigures['recorded']) => bigint,
  shown: (value: bigint) => string,
  key: string,
): string {
  const rows = clouds.map(({ cloud, recorded, supposed }) => ({
    label: cloud,
    values: [valueOf(recorded), valueOf(supposed)] as const,
    shown: [shown(valueOf(recorded)), shown(valueOf(supposed))] as const,
  }));
  const cell = (cloud: string, side: 'recorded' | 'supposed', value: bigint): DataCell => ({
    text: shown(value),
    figure: `clouds.${cloud}.${side}.${key}`,
    value: String(value),
  });
  const table = dataTable(
    title,
    ['Cloud', names[0], 'Supposed'],
    rows.map(({ label, values }) => [label, cell(label, 'recorded', values[0]), cell(label, 'supposed', values[1])]),
  );
  const chart = barChart({ id: `chart-${id}`, title, sides: names, rows });
  return `<section id="${id}"><h2>${escapeHtml(title)}</h2><div class="pair"><figure>${chart}</figure>${table}</div></section>`;
}

function moves({ moves: list }: WhatIfReport): string {
  if (list.length === 0) return '<section id="moves"><h2>What moves</h2><p>Nothing would change.</p></section>';
  const [a, b] = ['was', 'would'] as const;
  const rows = list.slice(0, 12).map(({ from, to, placements }) => ({
    label: from,
    values: [0n, BigInt(placements)] as const,
    shown: ['', `${number(placements)} to ${to}`] as const,
  }));
  const table = dataTable(
    'Every kind of change, the largest first',
    ['From', 'To', 'Action', 'Placements', 'Cost recorded', 'Cost supposed'],
    list.map(one => [
      one.from,
      { text: one.to },
      { text: one.action },
      { text: number(one.placements), figure: `moves.${one.action}.${one.from}.${one.to}`, value: one.placements },
      { text: dollars(one.recorded_micro_usd) },
      { text: dollars(one.supposed_micro_usd) },
    ]),
  );
  const chart = barChart({ id: 'chart-moves', title: 'What moves, from where and to where', sides: [a, b], rows });
  return `<section id="moves" class="wide"><h2>What moves</h2><div class="pair"><figure>${chart}</figure>${table}</div></section>`;
}

function counted(
  id: string,
  title: string,
  list: readonly Counted[],
  shown: (id: string) => string = name => name,
): string {
  if (list.length === 0) return '';
  const keys = ['same', 'moved', 'refused', 'freed', 'breaches'] as const;
  const table = dataTable(
    title,
    ['', 'Unchanged', 'Moved', 'Refused', 'Freed', 'Breaches that already happened'],
    list.map(one => [
      shown(one.id),
      ...keys.map((key): DataCell => ({ text: number(one[key]), figure: `${id}.${one.id}.${key}`, value: one[key] })),
    ]),
  );
  return `<section id="${id}"><h2>${escapeHtml(title)}</h2>${table}</section>`;
}

function breaches({ breaches: list, changes }: WhatIfReport): string {
  if (list.length === 0) return '';
  const listed = (some: typeof list, caption: string): string =>
    dataTable(
      caption,
      ['Placement', 'Recorded', 'Place', 'Forbidden by'],
      some.map(one => [
        one.id,
        { text: one.at },
        { text: one.place },
        { text: one.clauses.map(clauseText).join(', ') },
      ]),
    );
  const first = list.slice(0, SHOWN);
  const rest = list.slice(SHOWN);
  const more =
    rest.length === 0
      ? ''
      : `<details><summary>${rest.length} more</summary>${listed(rest, 'The next of them')}</details>`;
  const caption =
    first.length < changes.breaches
      ? `The first ${first.length} of ${number(changes.breaches)}${list.length < changes.breaches ? `; perdure whatif ${ALL_NAMED}` : ''}`
      : 'All of them';
  return `<section id="breaches"><h2>Breaches that already happened</h2>${listed(first, caption)}${more}</section>`;
}

/** Breaches that stand in the report without being asked for. */
const SHOWN = 12;
