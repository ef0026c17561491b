/** A what-if as tables for a terminal, and as CSV. */
import { NO_CONTRACT } from '../../placement/replay.ts';
import { table } from '../cli/table.ts';
import type { Counted, WhatIfReport } from './report.ts';
import { staysWords } from './supposed-reading.ts';

/** Micro-USD as dollars, exact, with a sign where it says more. */
export function dollars(micro: string, signed = false): string {
  const value = BigInt(micro);
  const size = value < 0n ? -value : value;
  const whole = String(size / 1_000_000n).replace(/\B(?=(\d{3})+$)/g, ',');
  const sign = value < 0n ? '-' : signed && value > 0n ? '+' : '';
  return `${sign}$${whole}.${String(size % 1_000_000n).padStart(6, '0')}`;
}

export function number(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

export function sideNames(report: WhatIfReport): readonly [recorded: string, supposed: string] {
  const { contracts, reading, events } = report.supposed;
  const parts = [
    ...(reading === null ? [] : [`reading ${reading}`]),
    ...(contracts === null ? [] : [`contracts ${contracts.map(folder => folder.split('/').at(-1)).join(', ')}`]),
    ...events.map(({ id, date }) => `${id} on ${date}`),
  ];
  return ['as recorded', parts.join('; ') || 'as recorded'];
}

export function reportText(report: WhatIfReport): string {
  const { changes, money, clouds, moves, breaches } = report;
  const [, supposed] = sideNames(report);
  const count = (list: readonly Counted[], name: string): string =>
    list.length === 0
      ? ''
      : `\n${table(
          [name, 'SAME', 'MOVED', 'REFUSED', 'FREED', 'BREACHES'],
          list.map(one => [
            clauseText(one.id),
            ...[one.same, one.moved, one.refused, one.freed, one.breaches].map(number),
          ]),
        )}`;
  const lines = [
    ...supposedEvents(report).map(line => `${line}\n`),
    coveredText(report),
    `recorded  ${report.recorded.readings.join(', ') || 'no readings'}`,
    `supposed  ${supposed} (${report.supposed.readings.join(', ') || 'no readings'})`,
    '',
    `moved ${number(changes.moved)}, refused ${number(changes.refused)}, freed ${number(changes.freed)}, unchanged ${number(changes.same)}${changes.other > 0 ? `, otherwise ${number(changes.other)}` : ''}`,
    `breaches that already happened: ${number(changes.breaches)}`,
    `cost ${dollars(money.recorded_micro_usd)} -> ${dollars(money.supposed_micro_usd)} (${dollars(money.difference_micro_usd, true)})${money.at_most_micro_usd === '0' ? '' : `; calls of unknown usage would add at most ${dollars(money.at_most_micro_usd)}`}`,
    '',
    table(
      ['CLOUD', 'CALLS', 'SUPPOSED', 'STATES', 'SUPPOSED', 'COST', 'SUPPOSED', 'DIFFERENCE'],
      clouds.map(one => [
        one.cloud,
        number(one.recorded.calls),
        number(one.supposed.calls),
        number(one.recorded.states),
        number(one.supposed.states),
        dollars(one.recorded.cost_micro_usd),
        dollars(one.supposed.cost_micro_usd),
        dollars(one.difference_micro_usd, true),
      ]),
    ).trimEnd(),
  ];
  const moved =
    moves.length === 0
      ? ''
      : `\n${table(
          ['ACTION', 'FROM', 'TO', 'PLACEMENTS', 'COST', 'SUPPOSED'],
          moves.map(one => [
            one.action,
            one.from,
            one.to,
            number(one.placements),
            dollars(one.recorded_micro_usd),
            dollars(one.supposed_micro_usd),
          ]),
        )}`;
  const named =
    breaches.length === 0
      ? ''
      : `\n${table(
          ['BREACH', 'AT', 'PLACE', 'FORBIDDEN BY'],
          breaches.slice(0, SHOWN).map(one => [one.id, one.at, one.place, one.clauses.map(clauseText).join(', ')]),
        )}${changes.breaches > SHOWN ? `${number(changes.breaches - SHOWN)} more: ${ALL_NAMED}\n` : ''}`;
  const counts = [
    count(report.products, 'PRODUCT'),
    count(report.channels, 'CHANNEL'),
    count(report.clauses, 'CLAUSE'),
  ];
  return `${lines.join('\n')}\n${moneyTables(report)}${moved}${counts.join('')}${named}`;
}

function coveredText(report: WhatIfReport): string {
  const { placements, skipped, first, last } = report;
  const left = skipped > 0 ? `; ${number(skipped)} had no decision to replay` : '';
  const stay = staysText(report);
  return `${number(placements)} placements from ${first ?? '-'} to ${last ?? '-'}${left}${stay === null ? '' : `\n${stay}`}`;
}

/** Null if what is supposed could be supposed of all. */
export function staysText({ as_recorded: count, supposed }: WhatIfReport): string | null {
  return staysWords(count, supposed.reading);
}

/** Breaches that a terminal is shown. */
const SHOWN = 10;

/** Reports name a part of them. */
export const ALL_NAMED = '--placements FILE names all of them';

/** What stands on top of every report: nobody shall take for recorded what was supposed. */
export function supposedEvents({ supposed: { events } }: WhatIfReport): readonly string[] {
  if (events.length === 0) return [];
  return [`Supposed, not recorded: ${events.map(({ id, date }) => `${id} on ${date}`).join(', ')}.`];
}

/** A reason that is no clause, in words. */
export function clauseText(id: string): string {
  return id === NO_CONTRACT ? 'no contract in force' : id;
}

function moneyTables({ commitments, shares, money }: WhatIfReport): string {
  const shown = (micro: string | null): string => (micro === null ? '-' : dollars(micro));
  const revenue =
    money.recorded_revenue_micro_usd === '0' && money.supposed_revenue_micro_usd === '0'
      ? ''
      : `\nrevenue ${dollars(money.recorded_revenue_micro_usd)} -> ${dollars(money.supposed_revenue_micro_usd)}\n`;
  const burning =
    commitments.length === 0
      ? ''
      : `\n${table(
          ['COMMITMENT', 'CLOUD', 'AMOUNT', 'COUNTED', 'SUPPOSED', 'BURN-DOWN'],
          commitments.map(one => [
            `${one.contract}/${one.id}`,
            one.cloud,
            dollars(one.amount_micro_usd),
            shown(one.recorded_micro_usd),
            shown(one.supposed_micro_usd),
            dollars(one.difference_micro_usd, true),
          ]),
        )}`;
  const sharing =
    shares.length === 0
      ? ''
      : `\n${table(
          ['SHARE', 'CLOUDS', 'BASE', 'SUPPOSED', 'DUE', 'SUPPOSED', 'DIFFERENCE'],
          shares.map(one => [
            `${one.contract}/${one.id}`,
            one.clouds === null ? 'any' : one.clouds.join(' '),
            shown(one.recorded?.base_micro_usd ?? null),
            shown(one.supposed?.base_micro_usd ?? null),
            shown(one.recorded?.due_micro_usd ?? null),
            shown(one.supposed?.due_micro_usd ?? null),
            dollars(one.due_difference_micro_usd, true),
          ]),
        )}`;
  return revenue + burning + sharing;
}

const CSV_COLUMNS = [
  'action',
  'product',
  'channel',
  'recorded_outcome',
  'recorded_place',
  'recorded_cloud',
  'supposed_outcome',
  'supposed_place',
  'supposed_cloud',
  'breach',
  'as_recorded',
  'clauses',
  'placements',
  'metered',
  'input_tokens',
  'cached_tokens',
  'output_tokens',
  'recorded_micro_usd',
  'supposed_micro_usd',
  'at_most_micro_usd',
  'recorded_revenue_micro_usd',
  'supposed_revenue_micro_usd',
] as const;

/** A row for each kind of change: the finest figures that there are, to be summed by whoever reads them. */
export function reportCsv({ cells }: WhatIfReport): string {
  const rows = cells.map(cell => [
    cell.action,
    cell.product,
    cell.channel,
    cell.was.outcome,
    cell.was.place ?? '',
    cell.was.cloud ?? '',
    cell.would.outcome,
    cell.would.place ?? '',
    cell.would.cloud ?? '',
    String(cell.breach),
    String(cell.stays),
    cell.clauses.join(' '),
    String(cell.placements),
    String(cell.metered),
    String(cell.input),
    String(cell.cached),
    String(cell.output),
    cell.was_cost_micro_usd,
    cell.would_cost_micro_usd,
    cell.at_most_micro_usd,
    cell.was_revenue_micro_usd,
    cell.would_revenue_micro_usd,
  ]);
  return [CSV_COLUMNS, ...rows].map(row => `${row.map(csvCell).join(',')}\r\n`).join('');
}

const MONEY_COLUMNS = [
  'of',
  'contract',
  'id',
  'figure',
  'recorded_micro_usd',
  'supposed_micro_usd',
  'difference_micro_usd',
];

/** Money moved, a row for each cloud, commitment and share. A side is empty where its contracts have no such term. */
export function moneyCsv({ clouds, commitments, shares }: WhatIfReport): string {
  const rows: string[][] = [];
  for (const { cloud, recorded, supposed, difference_micro_usd: difference } of clouds)
    rows.push(['cloud', '', cloud, 'cost', recorded.cost_micro_usd, supposed.cost_micro_usd, difference]);
  for (const { contract, id, recorded_micro_usd: was, supposed_micro_usd: would, difference_micro_usd } of commitments)
    rows.push(['commitment', contract, id, 'counted', was ?? '', would ?? '', difference_micro_usd]);
  for (const { contract, id, recorded, supposed, base_difference_micro_usd, due_difference_micro_usd } of shares) {
    const side = (key: 'base_micro_usd' | 'due_micro_usd') => [recorded?.[key] ?? '', supposed?.[key] ?? ''] as const;
    rows.push(['share', contract, id, 'base', ...side('base_micro_usd'), base_difference_micro_usd]);
    rows.push(['share', contract, id, 'due', ...side('due_micro_usd'), due_difference_micro_usd]);
  }
  return [MONEY_COLUMNS, ...rows].map(row => `${row.map(csvCell).join(',')}\r\n`).join('');
}

/** The same figures as JSON lines: `kind` says what each is of. */
export function reportLines({ cells, days, clouds, commitments, shares, breaches, ...rest }: WhatIfReport): string {
  const { changes, money, placements, skipped, as_recorded, recorded, supposed } = rest;
  const lists = { cloud: clouds, commitment: commitments, share: shares, day: days, cell: cells, breach: breaches };
  const lines: readonly object[] = [
    { kind: 'whatif', placements, skipped, as_recorded, recorded, supposed, changes, money },
    ...Object.entries(lists).flatMap(([kind, list]) => list.map(one => ({ kind, ...one }))),
  ];
  return lines.map(line => `${JSON.stringify(line)}\n`).join('');
}

/** Quoted where it must be; a text that a spreadsheet would take for a formula is led by an apostrophe. */
function csvCell(text: string): string {
  const safe = /^[=+@\t\r]|^-(?!\d)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
