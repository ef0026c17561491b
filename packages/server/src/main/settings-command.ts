/** `perdure contracts settings`, and what `approve` and `reject` say of them. */
import type { SettingsResource } from '@perdure/protocol';
import type { ActiveOptions } from './active-command.ts';
import { EXIT, type ExitCode } from './cli/exit.ts';
import { type Io, printJson } from './cli/io.ts';
import { moment } from './cli/moment.ts';
import { table } from './cli/table.ts';
import { atGovernDesk, LOCAL } from './govern-desks.ts';

export async function settings(options: ActiveOptions, io: Io): Promise<ExitCode> {
  const all = await atGovernDesk(options, io, desk => desk.settings());
  if (options.json === true) printJson(io, { object: 'list', data: all, has_more: false });
  else if (all.length === 0)
    io.out('Nothing was taken up yet: the first start takes up what the configuration says.\n');
  else io.out(table(['ID', 'STATE', 'ASKED', 'APPROVED BY', 'SETTINGS'], all.map(rowOf)));
  return EXIT.ok;
}

export async function decideSettings(
  id: string,
  how: 'approve' | 'reject',
  options: ActiveOptions,
  io: Io,
): Promise<ExitCode> {
  const decided = await atGovernDesk(options, io, desk => desk.decideSettings(LOCAL, id, how));
  if (options.json === true) printJson(io, decided);
  else io.out(`${decided.id}: ${settingsText(decided)}: ${decided.state}\n`);
  return EXIT.ok;
}

function rowOf(one: SettingsResource): readonly string[] {
  const by = one.second_person ? (one.decided_by ?? '(awaited)') : '-';
  return [one.id, one.state, moment(one.requested_at), by, settingsText(one)];
}

function settingsText(one: SettingsResource): string {
  return [
    `enforce: ${one.enforce}`,
    `on_ambiguity: ${one.on_ambiguity}`,
    `as_of: ${one.as_of ?? 'none'}`,
    `require_second_person: ${one.require_second_person}`,
    `events: ${one.events.map(({ id, date }) => `${id} on ${date}`).join(', ') || 'none'}`,
    `first_refusals: ${one.first_refusals.map(({ id, offered }) => `${id} of ${offered}`).join(', ') || 'none'}`,
  ].join('; ');
}
