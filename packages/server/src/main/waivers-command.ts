/** `perdure waivers` and `perdure events`. */
import type { ContractEventResource, WaiverResource } from '@perdure/protocol';
import { moment } from './cli/moment.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { atGovernDesk, LOCAL } from './govern-desks.ts';

export interface ListOptions extends ConfigFlags {
  readonly json?: boolean;
}

export interface GrantOptions extends ListOptions {
  readonly contract: string;
  readonly clause: string;
  readonly tenant?: string;
  readonly product?: string;
  readonly target?: string;
  readonly from?: string;
  readonly until: string;
  readonly reason: string;
  readonly requireSecond?: boolean;
}

export async function waiversList(options: ListOptions, io: Io): Promise<ExitCode> {
  const waivers = await atGovernDesk(options, io, desk => desk.waivers(LOCAL));
  if (options.json === true) printJson(io, { object: 'list', data: waivers, has_more: false });
  else if (waivers.length === 0) io.out('There are no waivers.\n');
  else io.out(table(['ID', 'STATE', 'CLAUSE', 'FOR', 'FROM', 'UNTIL', 'BY', 'REASON'], waivers.map(waiverRow)));
  return EXIT.ok;
}

export async function waiversGrant(options: GrantOptions, io: Io): Promise<ExitCode> {
  const { contract, clause, tenant, product, target, from, until, reason } = options;
  const waiver = await atGovernDesk(
    options,
    io,
    desk =>
      desk.grantWaiver(LOCAL, {
        contract,
        clause,
        until,
        reason,
        ...(tenant !== undefined && { tenant }),
        ...(product !== undefined && { product }),
        ...(target !== undefined && { target }),
        ...(from !== undefined && { from }),
        ...(options.requireSecond === true && { require_second: true }),
      }),
    { how: 'make' },
  );
  return toldWaiver(waiver, options, io, waiver.warnings);
}

export async function waiversDecide(
  how: 'approve' | 'reject' | 'revoke',
  id: string,
  options: ListOptions,
  io: Io,
): Promise<ExitCode> {
  return toldWaiver(await atGovernDesk(options, io, desk => desk.decideWaiver(LOCAL, id, how)), options, io);
}

function toldWaiver(waiver: WaiverResource, options: ListOptions, io: Io, warnings: readonly string[] = []): ExitCode {
  const { id, state, clause, contract, until, expires_at: expires } = waiver;
  if (options.json === true) printJson(io, waiver);
  else {
    io.out(`${id}: ${clause} of ${contract} for ${scopeOf(waiver)}, until ${moment(until)}: ${state}\n`);
    if (state === 'pending')
      io.out(`Another key must approve it before ${moment(expires ?? 0)}: perdure waivers approve ${id}\n`);
    for (const warning of warnings) io.err(`Warning: ${warning}\n`);
  }
  return EXIT.ok;
}

function waiverRow(one: WaiverResource): readonly string[] {
  const clause = `${one.contract}/${one.clause}`;
  const by = one.decided_by === null ? one.requested_by : `${one.requested_by}, ${one.decided_by}`;
  return [one.id, one.state, clause, scopeOf(one), moment(one.from), moment(one.until), by, one.reason ?? '-'];
}

function scopeOf({ tenant, product, target }: WaiverResource): string {
  const parts = Object.entries({ tenant, product, target });
  return parts.flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`])).join(', ');
}

export async function eventsList(options: ListOptions, io: Io): Promise<ExitCode> {
  const events = await atGovernDesk(options, io, desk => desk.events());
  if (options.json === true) printJson(io, { object: 'list', data: events, has_more: false });
  else if (events.length === 0) io.out('No events are recorded.\n');
  else io.out(table(['ID', 'EVENT', 'DATE', 'STATE', 'BY', 'ASKED BY', 'SOURCE'], events.map(eventRow)));
  return EXIT.ok;
}

export interface RecordOptions extends ListOptions {
  readonly date: string;
  readonly source: string;
  readonly requireSecond?: boolean;
}

export async function eventsRecord(event: string, options: RecordOptions, io: Io): Promise<ExitCode> {
  const { date, source } = options;
  const second = options.requireSecond === true && { require_second: true };
  const recorded = await atGovernDesk(
    options,
    io,
    desk => desk.recordEvent(LOCAL, { event, date, source, ...second }),
    { how: 'make' },
  );
  return toldEvent(recorded, options, io, recorded.warnings);
}

export async function eventsDecide(
  how: 'approve' | 'reject' | 'retract',
  id: string,
  options: ListOptions,
  io: Io,
): Promise<ExitCode> {
  return toldEvent(await atGovernDesk(options, io, desk => desk.decideEvent(LOCAL, id, how)), options, io);
}

function toldEvent(
  event: ContractEventResource,
  options: ListOptions,
  io: Io,
  warnings: readonly string[] = [],
): ExitCode {
  if (options.json === true) printJson(io, event);
  else {
    io.out(`${event.id}: ${event.event} on ${event.date}: ${event.state}\n`);
    if (event.state === 'pending')
      io.out(
        `Another key must approve it before ${moment(event.expires_at ?? 0)}: perdure events approve ${event.id}\n`,
      );
    for (const warning of warnings) io.err(`Warning: ${warning}\n`);
  }
  return EXIT.ok;
}

function eventRow(one: ContractEventResource): readonly string[] {
  const by = one.decided_by === null ? one.recorded_by : `${one.recorded_by}, ${one.decided_by}`;
  return [one.id, one.event, one.date, one.state, by, one.asked_by.join(', ') || '-', one.source];
}
