/** `perdure commitments`: the money terms of the contracts, as tables or JSON. */
import type { CommitmentsResource } from '@perdure/protocol';
import { dollars } from '../money/amounts.ts';
import { goneBy } from './basis.ts';
import { eventOption } from './cli/event.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { momentOption } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { configured } from './configured.ts';
import { configWith } from './discover.ts';
import { openMoneyDesk, usageProblem } from './money/usage-in-folder.ts';

export interface CommitmentsOptions extends ConfigFlags {
  readonly json?: boolean;
  readonly asOf?: string;
  readonly event?: readonly string[];
}

export async function commitments(options: CommitmentsOptions, io: Io): Promise<ExitCode> {
  const { config } = await configured(options, io, async () => configWith([], io.cwd));
  const events = Object.fromEntries(
    (options.event ?? []).map(text => {
      const { id, date } = eventOption('perdure commitments', text);
      return [id, Date.parse(date)];
    }),
  );
  momentOption('perdure commitments', '--as-of', options.asOf);
  const desk = await openMoneyDesk(config, options, io);
  try {
    const statement = await desk.commitments(options.asOf, events);
    if (options.json === true) printJson(io, statement);
    else io.out(`${textOf(statement)}\nMoney terms of ${goneBy(statement.basis, desk.where)}.\n`);
    return EXIT.ok;
  } catch (error) {
    throw usageProblem(error);
  } finally {
    await desk.close();
  }
}

const money = (amount: string | null): string => (amount === null ? '-' : dollars(BigInt(amount)));

function textOf(statement: CommitmentsResource): string {
  const { commitments: promised, shares, tranches, prepaid, capacity, caps } = statement;
  const parts = [
    section(
      'COMMITMENT CLOUD ON-TOP-OF FROM TO AMOUNT TO-DATE REMAINING STRAIGHT-LINE TREND SHORTFALL SHADOW',
      promised.map(one => [
        one.id,
        one.cloud,
        one.on_top_of ?? '-',
        one.from,
        one.to ?? '-',
        money(one.amount_micro_usd),
        money(one.spent_micro_usd),
        money(one.remaining_micro_usd),
        money(one.straight_line_micro_usd),
        money(one.trend_micro_usd),
        shortfallOf(one),
        shadowOf(one.shadow_ppm),
      ]),
    ),
    section(
      'SHARE PAYER PAYEE BASE DUE DUE-BEFORE CAP-LEFT UNTIL STATE',
      shares.map(one => [
        one.id,
        one.payer,
        one.payee,
        money(one.base_micro_usd),
        money(one.due_micro_usd),
        money(one.due_before_micro_usd),
        money(one.cap_left_micro_usd),
        one.to ?? '-',
        one.stopped === null ? 'running' : `stopped by its ${one.stopped}`,
      ]),
    ),
    section(
      'TRANCHE PAYER PAYEE AMOUNT STATE PAYABLE WAITS-FOR',
      tranches.map(one => [
        one.id,
        one.payer,
        one.payee,
        money(one.amount_micro_usd),
        one.status,
        one.payable_on ?? '-',
        one.waits_for.join(', ') || '-',
      ]),
    ),
    section(
      'PREPAID FROM UNTIL AMOUNT USED LEFT STATE',
      prepaid.map(one => [
        one.id,
        one.from ?? '-',
        one.until ?? '-',
        money(one.amount_micro_usd),
        money(one.used_micro_usd),
        money(one.left_micro_usd),
        one.used_up_on === null ? one.status : `used up on ${one.used_up_on}`,
      ]),
    ),
    section(
      'CAPACITY PROVIDER CLOUD ACCELERATOR AGREED FROM TO CALLS TOKENS COST SHARE',
      capacity.map(one => [
        one.id,
        one.provider,
        one.cloud,
        one.accelerator,
        `${one.amount} ${one.unit}`,
        one.from,
        one.to ?? '-',
        String(one.ran.calls),
        String(one.ran.tokens),
        money(one.ran.cost_micro_usd),
        percentOf(one.ran.tokens, one.all.tokens),
      ]),
    ),
    section(
      'CAP PERIOD AMOUNT SPENT HELD',
      (caps ?? []).map(one => [
        one.id,
        one.period,
        money(one.amount_micro_usd),
        money(one.spent_micro_usd),
        money(one.reserved_micro_usd),
      ]),
    ),
  ].filter(part => part !== '');
  return parts.length === 0 ? 'The contracts have no money terms, and there are no caps.\n' : parts.join('\n');
}

function section(header: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : table(header.split(' '), rows);
}

/** Of the tokens that ran anywhere in its time, to a tenth. */
function percentOf(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)}%`;
}

/** Of a dollar that is spent there: what it saves. */
function shadowOf(ppm: number | null): string {
  return ppm === null ? '-' : dollars(BigInt(ppm));
}

function shortfallOf({ shortfall_micro_usd: missing, shortfall }: CommitmentsResource['commitments'][number]): string {
  const at = missing.actual ?? missing.trend ?? missing.straight_line;
  if (at === null) return '-';
  return BigInt(at) === 0n ? 'none' : `${money(at)} (${shortfall})`;
}
