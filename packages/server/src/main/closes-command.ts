/** `perdure usage close`, `restate`, `closes`. */
import type { ClosedMonthResource } from '@perdure/protocol';
import { dollars } from '../money/amounts.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { LOCAL } from './govern-desks.ts';
import { atCloseDesk } from './money/close-desks.ts';

export interface CloseOptions extends ConfigFlags {
  readonly json?: boolean;
}

export interface RestateOptions extends CloseOptions {
  readonly reason: string;
}

export async function usageClose(month: string, options: CloseOptions, io: Io): Promise<ExitCode> {
  const closed = await atCloseDesk(options, io, desk => desk.close(LOCAL.principal, month));
  if (options.json === true) printJson(io, closed);
  else
    io.out(
      `${month} is closed: what is metered for it after ${closed.cutoff} comes as a correction in a later month\n`,
    );
  return EXIT.ok;
}

export async function usageRestate(month: string, { reason, ...options }: RestateOptions, io: Io): Promise<ExitCode> {
  const made = await atCloseDesk(options, io, desk => desk.restate(LOCAL.principal, month, reason));
  const { number, billed_in: billedIn, changed } = made;
  const [cost, revenue, share] = [changed.cost_micro_usd, changed.revenue_micro_usd, changed.share_micro_usd].map(
    amount => dollars(BigInt(amount)),
  );
  if (options.json === true) printJson(io, made);
  else
    io.out(
      `${month} is restated (${number}): ${changed.rows} corrections in ${billedIn}, cost ${cost}, revenue ${revenue}, shares ${share}\n`,
    );
  return EXIT.ok;
}

export async function usageCloses(options: CloseOptions, io: Io): Promise<ExitCode> {
  const months = await atCloseDesk(options, io, desk => desk.list());
  if (options.json === true) printJson(io, { object: 'list', data: months, has_more: false });
  else if (months.length === 0) io.out('No month is closed.\n');
  else io.out(table(['MONTH', 'WHAT', 'AT', 'BY', 'BILLED IN', 'REASON'], months.flatMap(rowsOf)));
  return EXIT.ok;
}

function rowsOf(month: ClosedMonthResource): readonly (readonly string[])[] {
  return [
    [month.period, 'closed', month.closed_at, month.closed_by ?? '-', month.period, '-'],
    ...month.restatements.map(one => [
      month.period,
      `restated ${one.number}`,
      one.restated_at,
      one.restated_by,
      one.billed_in,
      one.reason,
    ]),
  ];
}
