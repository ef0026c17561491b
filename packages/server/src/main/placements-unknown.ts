/** Filters of a list of placements that name nothing: an empty list must not pass for evidence where a name was misspelt. */
import { didYouMean, type PlacementFilters, type TargetResource } from '@perdure/protocol';
import { contractFolder, readContractFolder, shippedContracts } from './contracts.ts';

/**
 * A line for each filter whose word nothing is called that is known here.
 * @param folders of the contracts of the configuration
 */
export function unknownFilters(
  { clause, target, cloud }: PlacementFilters,
  folders: readonly string[],
  targets: readonly Pick<TargetResource, 'id' | 'cloud'>[],
): readonly string[] {
  const asked: readonly (readonly [string, string | undefined, () => readonly string[]])[] = [
    [
      'clause of the configured and the shipped contracts',
      clause?.slice(clause.indexOf('/') + 1),
      () => clauses(folders),
    ],
    ['target', target, () => targets.map(({ id }) => id)],
    ['cloud of a target', cloud, () => targets.map(one => one.cloud)],
  ];
  return asked.flatMap(([kind, word, known]) => {
    if (word === undefined) return [];
    const names = new Set(known());
    if (names.has(word)) return [];
    const near = didYouMean(word, names);
    return [`No ${kind} is called '${word.slice(0, 64)}'${near === null ? '' : ` (did you mean ${near}?)`}.`];
  });
}

const ID = /@id\("([^"]+)"\)/g;

function clauses(folders: readonly string[]): readonly string[] {
  return [...shippedContracts().map(name => contractFolder(name, '/')), ...folders].flatMap(folder =>
    Object.values(readContractFolder(folder)).flatMap(text => [...text.matchAll(ID)].flatMap(([, id]) => id ?? [])),
  );
}
