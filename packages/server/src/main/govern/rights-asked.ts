/** Which contracts ask for which events and rights of first refusal: an offer of a right that none asks for may be a slip of the pen. */
import { mentionsOf } from '../../contract/mentions.ts';
import { CEDAR_APART } from './cedar-apart.ts';
import { type LoadedSnapshot, parseDocument } from '../snapshots.ts';

export interface AskedFor {
  readonly events: readonly string[];
  readonly rights: readonly string[];
}
type Asked = ReadonlyMap<string, AskedFor>;

const known = new WeakMap<LoadedSnapshot, Asked>();

/** Contract -> the events and rights that its clauses name. Parsed once a snapshot. */
function askedBy(loaded: LoadedSnapshot): Asked {
  const before = known.get(loaded);
  if (before !== undefined) return before;
  const files = parseDocument(loaded.document).contracts;
  const asked = new Map(
    loaded.contracts.map(({ id }, i) => {
      const facts = [...mentionsOf(files[i] ?? {}, CEDAR_APART).facts];
      const named = (of: (path: string) => boolean): readonly string[] =>
        facts.filter(([path]) => of(path)).flatMap(([, { constants }]) => [...constants].map(String));
      const events = named(path => path === 'call.events');
      return [id, { events, rights: named(path => path.includes('firstRefusal.')) }];
    }),
  );
  known.set(loaded, asked);
  return asked;
}

/** The contracts in force, or to come, that ask for a right. */
export function contractsAsking(snapshots: readonly LoadedSnapshot[], right: string): readonly string[] {
  const all = snapshots.flatMap(loaded =>
    [...askedBy(loaded)].flatMap(([id, { rights }]) => (rights.includes(right) ? [id] : [])),
  );
  return [...new Set(all)].toSorted();
}

/** What the clauses of a snapshot ask for, all contracts together. */
export function askedFor(loaded: LoadedSnapshot): AskedFor {
  const all = [...askedBy(loaded).values()];
  const every = (of: keyof AskedFor): readonly string[] => [...new Set(all.flatMap(one => one[of]))].toSorted();
  return { events: every('events'), rights: every('rights') };
}
