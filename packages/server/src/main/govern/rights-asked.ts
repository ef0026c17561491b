/** Which contracts ask for which right of first refusal: an offer of one that none asks for may be a slip of the pen. */
import { mentionsOf } from '../../contract/mentions.ts';
import { CEDAR_APART } from './cedar-apart.ts';
import { type LoadedSnapshot, parseDocument } from '../snapshots.ts';

type Asked = ReadonlyMap<string, readonly string[]>;

const known = new WeakMap<LoadedSnapshot, Asked>();

/** Contract -> the rights that its clauses name. Parsed once a snapshot. */
function askedBy(loaded: LoadedSnapshot): Asked {
  const before = known.get(loaded);
  if (before !== undefined) return before;
  const files = parseDocument(loaded.document).contracts;
  const asked = new Map(
    loaded.contracts.map(({ id }, i) => {
      const facts = [...mentionsOf(files[i] ?? {}, CEDAR_APART).facts];
      const rights = facts
        .filter(([path]) => path.includes('firstRefusal.'))
        .flatMap(([, { constants }]) => [...constants]);
      return [id, rights.map(String)];
    }),
  );
  known.set(loaded, asked);
  return asked;
}

/** The contracts in force, or to come, that ask for a right. */
export function contractsAsking(snapshots: readonly LoadedSnapshot[], right: string): readonly string[] {
  const all = snapshots.flatMap(loaded =>
    [...askedBy(loaded)].flatMap(([id, rights]) => (rights.includes(right) ? [id] : [])),
  );
  return [...new Set(all)].toSorted();
}
