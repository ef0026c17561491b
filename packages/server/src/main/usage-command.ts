/** `perdure usage`: sums, reconciliation, FOCUS export, closing of months. */
import { dollars, unitText } from '../money/amounts.ts';
import { monthOf, monthSpan } from '../money/calendar.ts';
import { billedIn } from '../money/closing.ts';
import { CONTRACT_COMMITMENT, COST_AND_USAGE, type FocusRow } from '../money/focus/columns.ts';
import { capacityCommitment, costAndUsage, spendCommitment } from '../money/focus/rows.ts';
import { type OwnLine, reconcile, type Reconciled } from '../money/reconcile.ts';
import { AccruingShare } from '../money/shares.ts';
import { type Dimension, type Group, grandTotal, type Totals } from '../money/totals.ts';
import { rate } from '../money/usage.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { windowOptions } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import type { Config } from './config/config.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { openPlacementLeaves, type PlacementLeaves } from './ledger/placement-leaves.ts';
import { readBill } from './money/bill.ts';
import { booksOf, CURRENCY } from './money/books.ts';
import { closedMonths, closeMonth } from './money/closes.ts';
import { csvHeader, csvRow, jsonRow } from './money/csv.ts';
import { type MoneyDesk, openMoneyDesk, type Times, usageProblem } from './money/usage-in-folder.ts';
import { dimensionOf, timesOf } from './money/usage-view.ts';
import { groupWire } from './money/wire.ts';

export interface UsageOptions extends ConfigFlags, Times {
  readonly json?: boolean;
  readonly by?: string;
  readonly tenant?: string;
}

export interface ReconcileOptions extends ConfigFlags, Times {
  readonly json?: boolean;
  readonly target?: string;
}

export interface ExportOptions extends ConfigFlags, Times {
  readonly format?: string;
  readonly dataset?: string;
  readonly tenant?: string;
}

export interface CloseOptions extends ConfigFlags {
  readonly json?: boolean;
}

export async function usage(options: UsageOptions, io: Io): Promise<ExitCode> {
  return atDesk(options, io, async desk => {
    const by = (options.by ?? 'product,cloud')
      .split(',')
      .filter(one => one !== '')
      .map(dimensionOf);
    const groups = await desk.groups(timesIn(options), by, options.tenant ?? null);
    if (options.json === true) printJson(io, { object: 'list', data: groups.map(groupWire), has_more: false });
    else io.out(usageTable(groups, by));
    return EXIT.ok;
  });
}

const COUNTED = ['CALLS', 'INPUT', 'CACHED', 'OUTPUT', 'REASONING', 'COST', 'REVENUE'];

function usageTable(groups: readonly Group[], by: readonly Dimension[]): string {
  if (groups.length === 0) return 'No calls.\n';
  const cells = ({ calls, tokens, cost, revenue }: Totals): readonly string[] => [
    String(calls),
    String(tokens.input),
    String(tokens.cached),
    String(tokens.output),
    String(tokens.reasoning),
    dollars(cost),
    dollars(revenue),
  ];
  const rows = groups.map(({ key, totals }) => [...by.map(dimension => key[dimension] ?? '-'), ...cells(totals)]);
  const all = grandTotal(groups);
  const sum = by.length === 0 ? [] : [['TOTAL', ...by.slice(1).map(() => ''), ...cells(all)]];
  const notes = [
    ...(all.bound > 0 ? [`${all.bound} calls are charged at their bound: nobody knows what they used.`] : []),
    ...(all.unpriced > 0 ? [`${all.unpriced} calls went to targets without a price, and count as nothing.`] : []),
  ];
  return `${table([...by.map(one => one.toUpperCase()), ...COUNTED], [...rows, ...sum])}${notes.map(note => `${note}\n`).join('')}`;
}

export async function usageReconcile(file: string, options: ReconcileOptions, io: Io): Promise<ExitCode> {
  const bill = readBill(file, io.cwd);
  return atDesk(options, io, async desk => {
    const own: OwnLine[] = [];
    for await (const row of desk.rows(timesIn(options), null)) {
      if (options.target !== undefined && row.target !== options.target) continue;
      const { id, at, target, upstream, cost, usage: used, metered } = row;
      own.push({ id, at, target, upstream, cost, usage: used, metered });
    }
    const result = reconcile(bill, own);
    if (options.json === true) printJson(io, reconciledJson(result));
    else io.out(reconciledText(result));
    const agree = result.differing.length + result.missingInBill.length + result.missingInRecord.length === 0;
    return agree ? EXIT.ok : EXIT.refused;
  });
}

function reconciledText(result: Reconciled): string {
  const { matched, differing, missingInBill, missingInRecord, billed, recorded } = result;
  const sections: string[] = [
    `${matched.lines} lines match, ${dollars(matched.amount)}.\n`,
    ...(differing.length === 0
      ? []
      : [
          `\n${differing.length} differ:\n`,
          table(
            ['REQUEST', 'PLACEMENT', 'BILLED', 'RECORDED', 'DIFFERENCE', 'TOKENS-BILLED', 'TOKENS-RECORDED'],
            differing.map(({ bill, own, amount }) => [
              bill.id,
              own.id,
              dollars(bill.amount),
              dollars(own.cost),
              dollars(amount),
              `${bill.inputTokens ?? '-'}+${bill.outputTokens ?? '-'}`,
              `${own.usage.input}+${own.usage.output}${own.metered === 'bound' ? ' (bound)' : ''}`,
            ]),
          ),
        ]),
    ...(missingInBill.length === 0
      ? []
      : [
          `\n${missingInBill.length} calls of ours are not in the bill:\n`,
          table(
            ['PLACEMENT', 'REQUEST', 'AT', 'RECORDED', 'METERED'],
            missingInBill.map(own => [
              own.id,
              own.upstream.request ?? own.upstream.response ?? '-',
              new Date(own.at).toISOString(),
              dollars(own.cost),
              own.metered,
            ]),
          ),
        ]),
    ...(missingInRecord.length === 0
      ? []
      : [
          `\n${missingInRecord.length} lines of the bill are no call of ours:\n`,
          table(
            ['REQUEST', 'BILLED'],
            missingInRecord.map(line => [line.id, dollars(line.amount)]),
          ),
        ]),
    `\nBilled ${dollars(billed)}, recorded ${dollars(recorded)}, difference ${dollars(billed - recorded)}.\n`,
  ];
  return sections.join('');
}

function reconciledJson({ matched, differing, missingInBill, missingInRecord, billed, recorded }: Reconciled): object {
  return {
    object: 'perdure.reconciliation',
    matched: { lines: matched.lines, amount_usd: unitText(matched.amount) },
    differing: differing.map(({ bill, own, amount }) => ({
      request_id: bill.id,
      placement: own.id,
      billed_usd: unitText(bill.amount),
      recorded_usd: unitText(own.cost),
      difference_usd: unitText(amount),
      metered: own.metered,
    })),
    missing_in_bill: missingInBill.map(own => ({
      placement: own.id,
      request_id: own.upstream.request,
      response_id: own.upstream.response,
      recorded_usd: unitText(own.cost),
      metered: own.metered,
    })),
    missing_in_record: missingInRecord.map(line => ({ request_id: line.id, billed_usd: unitText(line.amount) })),
    billed_usd: unitText(billed),
    recorded_usd: unitText(recorded),
  };
}

const FORMATS = ['csv', 'jsonl'];
const DATASETS = ['cost-and-usage', 'contract-commitment'];

export async function usageExport(options: ExportOptions, io: Io): Promise<ExitCode> {
  const format = options.format ?? 'csv';
  const dataset = options.dataset ?? 'cost-and-usage';
  if (!FORMATS.includes(format))
    throw new CliError(EXIT.usage, `--format takes ${FORMATS.join(' or ')}, not "${format}"`);
  if (!DATASETS.includes(dataset))
    throw new CliError(EXIT.usage, `--dataset takes ${DATASETS.join(' or ')}, not "${dataset}"`);
  return atDesk(options, io, async (desk, config) => {
    const columns = dataset === 'cost-and-usage' ? COST_AND_USAGE : CONTRACT_COMMITMENT;
    const line = (row: FocusRow): string => (format === 'csv' ? csvRow(row, columns) : jsonRow(row, columns));
    if (format === 'csv') io.out(csvHeader(columns));
    if (dataset === 'contract-commitment') {
      for (const term of desk.terms.commitments) io.out(line(spendCommitment(term, CURRENCY)));
      for (const term of desk.terms.capacity) io.out(line(capacityCommitment(term, CURRENCY)));
      return EXIT.ok;
    }
    const leaves = await openPlacementLeaves(config);
    try {
      for await (const row of chargesOf({ ...desk, ...leaves }, config, options)) io.out(line(row));
    } finally {
      leaves.close();
    }
    return EXIT.ok;
  });
}

/** The charges of whole billing months, from that of `from` to that before `to`. */
export async function* chargesOf(
  desk: Pick<MoneyDesk, 'rows' | 'terms'> & Pick<PlacementLeaves, 'leafOf'>,
  config: Pick<Config, 'data'>,
  options: Times & { readonly tenant?: string },
): AsyncGenerator<FocusRow> {
  const now = Date.now();
  const { from, to } = timesOf(timesIn(options), now);
  const [first, last] = [monthOf(from), monthOf(Math.max(from, to - 1))];
  const closed = closedMonths(config.data);
  // Corrections are of calls in closed months.
  const start = Math.min(
    monthSpan(first)?.from ?? from,
    ...[...closed.keys()].map(period => monthSpan(period)?.from ?? from),
  );
  const terms = {
    currency: CURRENCY,
    commitments: desk.terms.commitments,
    shares: desk.terms.shares.map(term => new AccruingShare(term)),
  };
  const opening = monthSpan(first)?.from ?? from;
  const end = Math.max(to, monthSpan(last)?.to ?? to);
  const rows = async function* (since: number, until: number) {
    const times = { from: new Date(since).toISOString(), to: new Date(until).toISOString() };
    for await (const row of desk.rows(times, options.tenant ?? null)) {
      const billed = billedIn(row, closed);
      const books = billed.correction ? undefined : closed.get(billed.period)?.books;
      yield { row: books === undefined ? row : rate(row, books), billed };
    }
  };
  // A share’s cap knows what was billed before: those months count first.
  if (terms.shares.length > 0) {
    for await (const { row, billed } of rows(0, opening)) {
      if (billed.period < first) for (const share of terms.shares) share.add(row);
    }
  }
  for await (const { row, billed } of rows(start, end)) {
    if (billed.period >= first && billed.period <= last)
      yield* costAndUsage(row, billed, terms, await desk.leafOf(row.id));
  }
}

export async function usageClose(month: string, options: CloseOptions, io: Io): Promise<ExitCode> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const closed = closeMonth(config.data, month, booksOf(config), Date.now());
  const cutoff = new Date(closed.cutoff).toISOString();
  if (options.json === true)
    printJson(io, { object: 'perdure.closed_month', period: month, cutoff, closed_at: closed.closedAt });
  else io.out(`${month} is closed: what is metered for it after ${cutoff} comes as a correction in a later month\n`);
  return EXIT.ok;
}

/** Looked at here, so that what is said of them names the options. */
function timesIn({ from, to }: Times): Times {
  windowOptions('perdure usage', { from, to }, Date.now());
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

async function atDesk(
  options: ConfigFlags,
  io: Io,
  act: (desk: MoneyDesk, config: Config) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const desk = await openMoneyDesk(config, io);
  try {
    return await act(desk, config);
  } catch (error) {
    throw usageProblem(error);
  } finally {
    await desk.close();
  }
}
