/** The part of the report on the money terms of contracts: what burns commitments down, and what shares are of. */
import { barChart } from './charts.ts';
import { type DataCell, dataTable, escapeHtml } from './markup.ts';
import type { WhatIfReport } from './report.ts';
import { dollars } from './text.ts';

type Sides = readonly [recorded: string | null, supposed: string | null];

interface Row {
  readonly label: string;
  /** Of the bars. */
  readonly sides: Sides;
  readonly cells: readonly DataCell[];
}

export function moneySections({ commitments, shares }: WhatIfReport, names: readonly [string, string]): string {
  const burning = commitments.map((one): Row => {
    const figure = `commitments.${one.contract}.${one.id}`;
    return {
      label: one.id,
      sides: [one.recorded_micro_usd, one.supposed_micro_usd],
      cells: [
        { text: one.contract },
        { text: one.cloud },
        money(one.amount_micro_usd, `${figure}.amount`),
        money(one.recorded_micro_usd, `${figure}.recorded`),
        money(one.supposed_micro_usd, `${figure}.supposed`),
        money(one.difference_micro_usd, `${figure}.difference`, true),
      ],
    };
  });
  const sharing = shares.map((one): Row => {
    const figure = `shares.${one.contract}.${one.id}`;
    return {
      label: one.id,
      sides: [one.recorded?.base_micro_usd ?? null, one.supposed?.base_micro_usd ?? null],
      cells: [
        { text: one.contract },
        money(one.recorded?.base_micro_usd ?? null, `${figure}.base.recorded`),
        money(one.supposed?.base_micro_usd ?? null, `${figure}.base.supposed`),
        money(one.recorded?.due_micro_usd ?? null, `${figure}.due.recorded`),
        money(one.supposed?.due_micro_usd ?? null, `${figure}.due.supposed`),
        money(one.due_difference_micro_usd, `${figure}.due.difference`, true),
      ],
    };
  });
  const header = ['Contract', 'Cloud', 'Amount', 'Counted', 'Supposed', 'Burn-down'];
  const shared = ['Contract', 'Base', 'Supposed', 'Due', 'Supposed', 'Difference'];
  return [
    section('commitments', 'Spending that counts toward commitments', ['Commitment', ...header], burning, names),
    section('shares', 'Revenue that shares are of', ['Share', ...shared], sharing, names),
  ].join('\n');
}

function section(
  id: string,
  title: string,
  header: readonly string[],
  rows: readonly Row[],
  names: readonly [string, string],
): string {
  if (rows.length === 0) return '';
  const shown = rows.map(({ label, sides: [was, would] }) => ({
    label,
    values: [BigInt(was ?? 0), BigInt(would ?? 0)] as const,
    shown: [was === null ? 'no such term' : dollars(was), would === null ? 'no such term' : dollars(would)] as const,
  }));
  const chart = barChart({ id: `chart-${id}`, title, sides: names, rows: shown });
  const table = dataTable(
    'Of the replayed window alone',
    header,
    rows.map(({ label, cells }) => [label, ...cells]),
  );
  return `<section id="${id}" class="wide"><h2>${escapeHtml(title)}</h2><div class="pair"><figure>${chart}</figure>${table}</div></section>`;
}

function money(micro: string | null, figure: string, signed = false): DataCell {
  return micro === null ? { text: '-' } : { text: dollars(micro, signed), figure, value: micro };
}
