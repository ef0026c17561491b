/**
 * What perdure.yaml decides beside contracts: whether they are enforced, how unclear ones are read, what has happened, the time they are told. It is
 * recorded when it is taken up, so that the audit has it; and where a second person is required, an edit of the file is a request. Pure.
 */
import { perdureError, type SettingsState } from '@perdure/protocol';
import type { Config } from '../config/config.ts';
import { decideOn, type Request, standing } from './request.ts';

export type Settings = Pick<
  Config,
  'asOf' | 'enforce' | 'events' | 'firstRefusals' | 'onAmbiguity' | 'requireSecondPerson'
>;

export interface SettingsRecord extends Request {
  readonly id: string;
  readonly settings: Settings;
}

export function settingsOf(config: Settings): Settings {
  const { asOf, enforce, events, firstRefusals, onAmbiguity, requireSecondPerson } = config;
  return { asOf, enforce, events, firstRefusals, onAmbiguity, requireSecondPerson };
}

/** The last that were accepted; null before any were. */
export function acceptedAt(all: readonly SettingsRecord[], now: number): SettingsRecord | null {
  const accepted = all.flatMap((record, made) => {
    const at = standing(record, now);
    return typeof at === 'number' ? [{ record, at, made }] : [];
  });
  return accepted.toSorted((a, b) => a.at - b.at || a.made - b.made).at(-1)?.record ?? null;
}

/** The file's own, until a second person has been required: from then on those that were accepted. */
export function settingsInForce(file: Settings, all: readonly SettingsRecord[], now: number): Settings {
  const kept = acceptedAt(all, now)?.settings;
  return kept?.requireSecondPerson === true ? kept : settingsOf(file);
}

export type Taking =
  | { readonly how: 'nothing' }
  /** It is recorded, and in force. */
  | { readonly how: 'accept' }
  /** It waits for a second person. */
  | { readonly how: 'ask' };

/** What a start makes of its file. What was rejected is not asked for again, and what waits already is not asked for twice. */
export function taking(file: Settings, all: readonly SettingsRecord[], now: number): Taking {
  const last = acceptedAt(all, now);
  if (last === null) return { how: 'accept' };
  if (areSame(last.settings, file)) return { how: 'nothing' };
  if (!last.settings.requireSecondPerson) return { how: 'accept' };
  const asked = all.findLast(({ settings }) => areSame(settings, file));
  const stands = asked === undefined ? null : standing(asked, now);
  return stands === 'pending' || stands === 'rejected' ? { how: 'nothing' } : { how: 'ask' };
}

/** What the file says that is not in force, and the request for it. Null if nothing. */
export function unmet(
  file: Settings,
  all: readonly SettingsRecord[],
  now: number,
): { readonly lines: readonly string[]; readonly pending: SettingsRecord | null } | null {
  const lines = settingLines(settingsInForce(file, all, now), file);
  if (lines.length === 0) return null;
  const asked = all.findLast(({ settings }) => areSame(settings, file));
  return { lines, pending: asked !== undefined && standing(asked, now) === 'pending' ? asked : null };
}

/**
 * Whoever has the data folder has the file, too, and is the one who edited it.
 * @throws PerdureError not_pending, second_person_required
 */
export function decideSettings(
  record: SettingsRecord,
  who: string,
  verdict: 'approved' | 'rejected',
  now: number,
): SettingsRecord {
  if (who === 'local' && verdict === 'approved' && standing(record, now) === 'pending')
    throw perdureError(
      'second_person_required',
      'Who has the data folder can edit the configuration: a key must decide.',
    );
  return decideOn(record, who, verdict, now);
}

export function settingsState(record: SettingsRecord, accepted: SettingsRecord | null, now: number): SettingsState {
  const stands = standing(record, now);
  if (typeof stands !== 'number') return stands;
  return accepted?.id === record.id ? 'in_force' : 'superseded';
}

const WORDS: { readonly [Name in keyof Settings]: (value: Settings[Name]) => string } = {
  asOf: value => `as_of: ${value?.text ?? 'none'}`,
  enforce: value => `enforce: ${value}`,
  events: all => `events: ${all.map(({ id, date }) => `${id} on ${date}`).join(', ') || 'none'}`,
  firstRefusals: all => `first_refusals: ${all.map(({ id, offered }) => `${id} of ${offered}`).join(', ') || 'none'}`,
  onAmbiguity: value => `on_ambiguity: ${value}`,
  requireSecondPerson: value => `require_second_person: ${value}`,
};

/** What differs, one line each. */
export function settingLines(from: Settings, to: Settings): readonly string[] {
  const line = <Name extends keyof Settings>(name: Name): readonly string[] => {
    if (JSON.stringify(from[name]) === JSON.stringify(to[name])) return [];
    const [was, is] = [WORDS[name](from[name]), WORDS[name](to[name])];
    return [was === is ? `${is}, told otherwise` : `${is} (in force: ${was.slice(was.indexOf(':') + 2)})`];
  };
  return (Object.keys(WORDS) as (keyof Settings)[]).flatMap(line);
}

function areSame(a: Settings, b: Settings): boolean {
  return settingLines(a, b).length === 0;
}
