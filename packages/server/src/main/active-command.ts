/** `perdure contracts activate, active, approve, reject, deactivate, stranded`. */
import { basename } from 'node:path';
import type { ActivationAnswer, ActivationResource, StrandedList } from '@perdure/protocol';
import { dollars } from '../money/amounts.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { moment } from './cli/moment.ts';
import type { ConfigFlags } from './cli/options.ts';
import { table } from './cli/table.ts';
import type { Config } from './config/config.ts';
import { contractFolder, readContractFolder } from './contracts.ts';
import { atGovernDesk, LOCAL } from './govern-desks.ts';
import { decideSettings } from './settings-command.ts';

export interface ActiveOptions extends ConfigFlags {
  readonly json?: boolean;
}

export interface ActivateOptions extends ActiveOptions {
  readonly effective?: string;
  readonly reading?: string;
  readonly reason?: string;
  readonly requireSecond?: boolean;
  /** Only recorded, nothing refused. */
  readonly monitor?: boolean;
}

/** Activations that are listed without `--all`. */
const SHOWN = 20;

export async function activate(names: readonly string[], options: ActivateOptions, io: Io): Promise<ExitCode> {
  const { effective, reading, reason } = options;
  const answer = await atGovernDesk(
    options,
    io,
    (desk, config) =>
      desk.activate(LOCAL, {
        contracts: foldersOf(names, config, io).map(folder => ({
          name: basename(folder),
          files: readContractFolder(folder),
        })),
        ...readingOf(reading, names, config),
        ...(effective !== undefined && { effective }),
        ...(reason !== undefined && { reason }),
        ...(options.requireSecond === true && { require_second: true }),
        ...(options.monitor === true && { enforce: false }),
      }),
    { how: 'make' },
  );
  return told(answer, options, io);
}

/** Without names, what the configuration says, with its reading. */
function foldersOf(names: readonly string[], config: Config, io: Io): readonly string[] {
  return names.length === 0 ? config.contracts : names.map(name => contractFolder(name, io.cwd));
}

function readingOf(given: string | undefined, names: readonly string[], config: Config): { reading?: string } {
  const reading = given ?? (names.length === 0 ? config.reading : null);
  return reading === null ? {} : { reading };
}

export async function approve(id: string, options: ActiveOptions, io: Io): Promise<ExitCode> {
  if (id.startsWith('cfg_')) return decideSettings(id, 'approve', options, io);
  return told(await atGovernDesk(options, io, desk => desk.approveActivation(LOCAL, id)), options, io);
}

export async function reject(id: string, options: ActiveOptions, io: Io): Promise<ExitCode> {
  if (id.startsWith('cfg_')) return decideSettings(id, 'reject', options, io);
  return told(await atGovernDesk(options, io, desk => desk.rejectActivation(LOCAL, id)), options, io);
}

/** Takes back an activation that is not in force yet. */
export async function deactivate(id: string, options: ActiveOptions, io: Io): Promise<ExitCode> {
  if (!id.startsWith('act_'))
    throw new CliError(EXIT.usage, `${id} is no id of an activation`, {
      hint: 'What is in force is ended by activating another set: "perdure contracts activate none" for no contract.',
    });
  return told(await atGovernDesk(options, io, desk => desk.withdrawActivation(LOCAL, id)), options, io);
}

export async function active(options: ActiveOptions & { readonly all?: boolean }, io: Io): Promise<ExitCode> {
  const all = await atGovernDesk(options, io, desk => desk.activations());
  const shown = options.all === true ? all : all.slice(0, SHOWN);
  if (options.json === true) printJson(io, { object: 'list', data: shown, has_more: shown.length < all.length });
  else if (all.length === 0) io.out('Nothing was activated yet: the first start activates the configuration.\n');
  else {
    const header = ['ID', 'STATE', 'FROM', 'CONTRACTS', 'READING', 'MODE', 'BY', 'APPROVED BY', 'REASON'];
    io.out(table(header, shown.map(rowOf)));
    if (shown.length < all.length) io.out(`and ${all.length - shown.length} older ones (--all)\n`);
  }
  return EXIT.ok;
}

export async function stranded(options: ActiveOptions, io: Io): Promise<ExitCode> {
  const data: StrandedList['data'][number][] = [];
  let lookedAt = 0;
  await atGovernDesk(options, io, async desk => {
    for (let after: string | null = null; ; ) {
      const page = await desk.stranded(LOCAL, after);
      data.push(...page.data);
      lookedAt += page.looked_at;
      after = page.last_id;
      if (!page.has_more || after === null) return;
    }
  });
  if (options.json === true) printJson(io, { object: 'list', data, looked_at: lookedAt, has_more: false });
  else io.out(strandedText({ object: 'list', data, looked_at: lookedAt, has_more: false, last_id: null }));
  return data.length === 0 ? EXIT.ok : EXIT.refused;
}

function told(answer: ActivationResource | ActivationAnswer, options: ActiveOptions, io: Io): ExitCode {
  if (options.json === true) {
    printJson(io, answer);
    return EXIT.ok;
  }
  const { id, state, contracts, effective_at: at, expires_at: expires } = answer;
  const names = contracts.map(one => `${one.id} ${one.version}`).join(', ') || 'no contract';
  const when = state === 'scheduled' ? ` from ${moment(at)}` : '';
  io.out(`${id}: ${names}: ${state}${when}\n`);
  for (const one of contracts) io.out(`  ${one.id} ${one.digest} (${Object.keys(one.files).length} files)\n`);
  if (state === 'pending')
    io.out(`Another key must approve it before ${moment(expires ?? 0)}: perdure contracts approve ${id}\n`);
  if ('stranded' in answer && answer.stranded !== null) io.out(strandedText(answer.stranded));
  if ('dropped_terms' in answer && answer.dropped_terms.length > 0) io.out(droppedText(answer.dropped_terms));
  return EXIT.ok;
}

function droppedText(terms: ActivationAnswer['dropped_terms']): string {
  const rows = terms.map(one => [
    one.kind,
    one.id,
    one.contract,
    one.amount_micro_usd === null ? '-' : dollars(BigInt(one.amount_micro_usd)),
    one.rate ?? '-',
    one.to ?? '-',
  ]);
  return `Warning: these money terms have not ended, and no contract of the set goes on with them:\n${table(['TERM', 'ID', 'CONTRACT', 'AMOUNT', 'RATE', 'UNTIL'], rows)}`;
}

function strandedText({ data, looked_at: lookedAt, has_more: more }: StrandedList): string {
  if (data.length === 0) return `No session is stranded (${lookedAt} looked at).\n`;
  const header = ['SESSION', 'TENANT', 'HOME', 'PRODUCT', 'CHANNEL', 'WHY'];
  const rows = data.map(one => [one.session, one.tenant, one.home, one.product, one.channel, one.reasons.join('; ')]);
  const rest = more ? ', and there are more: perdure contracts stranded' : '';
  return `Stranded: their turns are refused until they are moved (${lookedAt} looked at${rest}).\n${table(header, rows)}`;
}

/** What is in force from both switches: of the activation, and of perdure.yaml. */
function modeOf({ enforce, enforced }: ActivationResource): string {
  if (enforced) return 'enforced';
  return enforce ? 'monitor (configured)' : 'monitor';
}

function rowOf(one: ActivationResource): readonly string[] {
  return [
    one.id,
    one.state,
    moment(one.effective_at),
    one.contracts.map(({ id, version }) => `${id}@${version}`).join(' ') || '-',
    one.reading ?? '-',
    modeOf(one),
    one.requested_by,
    one.second_person ? (one.decided_by ?? '(awaited)') : '-',
    one.reason ?? '-',
  ];
}
