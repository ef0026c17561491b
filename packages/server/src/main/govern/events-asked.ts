/** Which clauses, definitions and tranches ask for which recorded events: an event that none asks for may be a slip of the pen. */
import { didYouMean } from '@perdure/protocol';
import { parseCedarFile } from '../../contract/cedar-source.ts';
import { MANIFEST_FILE, parseManifest } from '../../contract/manifest.ts';
import { mentionsOfPolicies } from '../../contract/mentions.ts';
import type { ContractFiles } from '../../contract/rule.ts';
import type { Config } from '../config/config.ts';
import { ContractFolderError, readContractFolder } from '../contracts.ts';
import { type LoadedSnapshot, parseDocument } from '../snapshots.ts';
import { CEDAR_APART } from './cedar-apart.ts';

/** Event -> who asks for it, as `contract/clause`. */
export type EventsAsked = ReadonlyMap<string, readonly string[]>;

/** Of a contract that loads; what cannot be read is passed over. */
export function eventsAskedIn(files: ContractFiles): EventsAsked {
  const ignore = (): void => undefined;
  const manifest = parseManifest(files[MANIFEST_FILE] ?? '', ignore)?.manifest;
  if (manifest === undefined) return new Map();
  const asked = new Map<string, string[]>();
  const note = (event: string, by: string): void => {
    const all = asked.get(event) ?? [];
    const name = `${manifest.id}/${by}`;
    if (!all.includes(name)) asked.set(event, [...all, name]);
  };
  for (const [path, text] of Object.entries(files)) {
    if (!path.endsWith('.cedar')) continue;
    for (const policy of parseCedarFile(CEDAR_APART, path, text, ignore))
      for (const event of mentionsOfPolicies([policy], manifest.links).facts.get('call.events')?.constants ?? [])
        note(String(event), policy.id);
  }
  for (const { id, due } of manifest.tranches)
    if ('when' in due) for (const event of 'any' in due.when ? due.when.any : due.when.all) note(event, id);
  return asked;
}

const known = new WeakMap<LoadedSnapshot, EventsAsked>();

/** By all contracts of the snapshots together, each contract and clause once. Parsed once a snapshot. */
export function eventsAsked(snapshots: readonly LoadedSnapshot[]): EventsAsked {
  return joined(
    snapshots.map(loaded => {
      const before = known.get(loaded);
      if (before !== undefined) return before;
      const asked = joined(parseDocument(loaded.document).contracts.map(eventsAskedIn));
      known.set(loaded, asked);
      return asked;
    }),
  );
}

export function joined(all: readonly EventsAsked[]): EventsAsked {
  const asked = new Map<string, readonly string[]>();
  for (const one of all)
    for (const [event, by] of one) asked.set(event, [...new Set([...(asked.get(event) ?? []), ...by])].toSorted());
  return asked;
}

/** By the contracts of the configuration, which need not be in force; by none that cannot be read. */
export function askedByConfigured({ contracts }: Pick<Config, 'contracts'>): EventsAsked {
  return joined(
    contracts.map(folder => {
      try {
        return eventsAskedIn(readContractFolder(folder));
      } catch (error) {
        if (error instanceof ContractFolderError) return new Map();
        throw error;
      }
    }),
  );
}

/** What to tell whoever records an event that nobody asks for; empty if somebody does. */
export function unaskedWarnings(event: string, asked: EventsAsked): readonly string[] {
  if (asked.has(event)) return [];
  const near = didYouMean(event, asked.keys());
  const others = asked.size === 0 ? 'they ask for none' : `they ask for: ${[...asked.keys()].toSorted().join(', ')}`;
  const hint = near === null ? others : `did you mean ${near}?`;
  return [
    `No contract that is in force, to come or configured asks for '${event}' (${hint}): it decides nothing before one does.`,
  ];
}
