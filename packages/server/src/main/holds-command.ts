/** `perdure holds`. */
import type { HoldResource, KeptResource } from '@perdure/protocol';
import { moment } from './cli/moment.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import { LOCAL } from './govern-desks.ts';
import { atHoldDesk } from './holds/hold-desks.ts';

export interface HoldOptions extends ConfigFlags {
  readonly json?: boolean;
}

export interface PlaceOptions extends HoldOptions {
  readonly tenant: string;
  readonly subject?: string;
  readonly reason: string;
  readonly reference?: string;
}

const KEPT_A_PAGE = 100;

export async function holdsList(options: HoldOptions, io: Io): Promise<ExitCode> {
  const holds = await atHoldDesk(options, io, desk => desk.list(LOCAL));
  if (options.json === true) printJson(io, { object: 'list', data: holds, has_more: false });
  else if (holds.length === 0) io.out('There are no holds.\n');
  else io.out(table(['ID', 'STATE', 'TENANT', 'ON', 'PLACED', 'BY', 'REFERENCE', 'REASON'], holds.map(holdRow)));
  return EXIT.ok;
}

export async function holdsPlace(options: PlaceOptions, io: Io): Promise<ExitCode> {
  const { tenant, subject, reason, reference } = options;
  const wanted = {
    tenant,
    reason,
    ...(subject !== undefined && { subject }),
    ...(reference !== undefined && { reference }),
  };
  return told(await atHoldDesk(options, io, desk => desk.place(LOCAL, wanted), 'make'), options, io);
}

export async function holdsLift(id: string, options: HoldOptions, io: Io): Promise<ExitCode> {
  return told(await atHoldDesk(options, io, desk => desk.lift(LOCAL, id)), options, io);
}

export async function holdsKept(id: string, options: HoldOptions, io: Io): Promise<ExitCode> {
  const kept = await atHoldDesk(options, io, async desk => {
    const all: KeptResource[] = [];
    for (let after: string | null = null; ; ) {
      const page = await desk.kept(LOCAL, id, after, KEPT_A_PAGE);
      all.push(...page.data);
      if (!page.has_more) return all;
      after = page.last_id;
    }
  });
  if (options.json === true) printJson(io, { object: 'list', data: kept, has_more: false });
  else if (kept.length === 0) io.out('The hold keeps nothing that was deleted or is over.\n');
  else io.out(table(['SESSION', 'HOME', 'CONVERSATION', 'DELETED RESPONSES'], kept.map(keptRow)));
  return EXIT.ok;
}

function told(hold: HoldResource, options: HoldOptions, io: Io): ExitCode {
  if (options.json === true) printJson(io, hold);
  else io.out(`${hold.id}: ${onWhat(hold)} of ${hold.tenant}: ${hold.state === 'lifted' ? 'lifted' : 'held'}\n`);
  return EXIT.ok;
}

function holdRow(hold: HoldResource): readonly string[] {
  const { id, state, tenant, placed_at: at, placed_by: by, reference, reason } = hold;
  return [id, state, tenant, onWhat(hold), moment(at), by, reference ?? '-', reason];
}

function onWhat({ subject }: HoldResource): string {
  return subject ?? 'everything';
}

function keptRow({ session, home, conversation, ended, responses }: KeptResource): readonly string[] {
  const what = conversation === null ? '-' : `${conversation}${ended ? ' (deleted)' : ''}`;
  return [session, home, what, responses.length === 0 ? '-' : responses.join(', ')];
}
