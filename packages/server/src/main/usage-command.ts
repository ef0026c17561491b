/** `perdure usage`: sums, reconciliation, FOCUS export. */
import { dayOf } from '../kernel/day.ts';
import { dollars, unitText } from '../money/amounts.ts';
import { CONTRACT_COMMITMENT, COST_AND_USAGE, type FocusRow } from '../money/focus/columns.ts';
import { capacityCommitment, spendCommitment } from '../money/focus/rows.ts';
import { type OwnLine, reconcile, type Reconciled } from '../money/reconcile.ts';
import { type Dimension, type Group, grandTotal, type Totals } from '../money/totals.ts';
import { basisContracts } from './basis.ts';
import { EVERY_TENANT } from '../engine/caller.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { windowOptions } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import type { Config } from './config/config.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { openPlacementLeaves } from './ledger/placement-leaves.ts';
import { readBill } from './money/bill.ts';
import { CURRENCY } from './money/books.ts';
import { chargesOf, type ChargeSource, monthsOf } from './money/charges.ts';
import { closedMonths } from './money/closes.ts';
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

export async function usage(options: UsageOptions, io: Io): Promise<ExitCode> {
  return atDesk(options, io, async desk => {
    const by = (options.by ?? 'product,cloud')
      .split(',')
      .filter(one => one !== '')
      .map(dimensionOf);
    const times = timesIn(options);
    const groups = await desk.groups(times, by, options.tenant ?? null);
    if (options.json === true) printJson(io, { object: 'list', data: groups.map(groupWire), has_more: false });
    else io.out(`${groups.length === 0 ? noCalls(options.tenant, times) : usageTable(groups, by)}${sinceWhen(times)}`);
    return EXIT.ok;
  });
}

const COUNTED = ['CALLS', 'INPUT', 'CACHED', 'WRITTEN', 'OUTPUT', 'REASONING', 'COST', 'REVENUE'];

function noCalls(tenant: string | undefined, times: Times): string {
  const whose = tenant === undefined || tenant === EVERY_TENANT ? '' : ` of the tenant ${tenant}`;
  const { from, to } = timesOf(times, Date.now());
  return `No calls${whose} from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}.\n`;
}

/** Who names no beginning is told which it was: calls of other months are in no sum. */
function sinceWhen(times: Times): string {
  if (times.from !== undefined) return '';
  return `Since ${dayOf(timesOf(times, Date.now()).from)}, the first of the month: --from asks for another time.\n`;
}

function usageTable(groups: readonly Group[], by: readonly Dimension[]): string {
  const cells = ({ calls, tokens, cost, revenue }: Totals): readonly string[] => [
    String(calls),
    String(tokens.input),
    String(tokens.cached),
    String(tokens.written),
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
    const { terms, basis } = await desk.based();
    io.err(`perdure: money terms of ${basisContracts(basis)}\n`);
    if (format === 'csv') io.out(csvHeader(columns));
    if (dataset === 'contract-commitment') {
      for (const term of terms.commitments) io.out(line(spendCommitment(term, CURRENCY)));
      for (const term of terms.capacity) io.out(line(capacityCommitment(term, CURRENCY)));
      return EXIT.ok;
    }
    const { from, to } = timesOf(timesIn(options), Date.now());
    const leaves = await openPlacementLeaves(config);
    try {
      const source = chargeSource(desk, options.tenant ?? null);
      const months = monthsOf(from, to);
      for await (const row of chargesOf(source, closedMonths(config.data), terms, months, id => leaves.leafOf(id)))
        io.out(line(row));
    } finally {
      leaves.close();
    }
    return EXIT.ok;
  });
}

function chargeSource(desk: Pick<MoneyDesk, 'rows'>, tenant: string | null): ChargeSource {
  return {
    tenant,
    rows: (from, to) => desk.rows({ from: new Date(from).toISOString(), to: new Date(to).toISOString() }, tenant),
  };
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
  const desk = await openMoneyDesk(config, options, io);
  try {
    return await act(desk, config);
  } catch (error) {
    throw usageProblem(error);
  } finally {
    await desk.close();
  }
}
