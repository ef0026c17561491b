/** Contracts as commands name them, and the fact space that their clauses span. */
import { checkContractSet, chooseReadings } from '../contract/contract-set.ts';
import type { Contract } from '../contract/contract.ts';
import { findingLine } from '../contract/finding.ts';
import { loadContract } from '../contract/load.ts';
import { CEDAR_HERE } from '../contract/cedar-here.ts';
import { joinApart, labelsApart } from '../contract/labels-apart.ts';
import { joinMentions, type Mentions, mentionsOf } from '../contract/mentions.ts';
import { type Reach, reachesOf } from '../contract/reach.ts';
import type { ContractFiles } from '../contract/rule.ts';
import { VOCABULARY } from '../contract/schema.ts';
import { type FactSpace, makeFactSpace } from '../placement/fact-space.ts';
import type { Place } from '../placement/facts.ts';
import type { ToldCall } from '../placement/ports.ts';
import { DEFAULT_WEIGHTS, makeSnapshot, type Snapshot } from '../placement/snapshot.ts';
import { NoSuchValue, SpaceTooWide } from '../placement/space-bounds.ts';
import { CliError, EXIT } from './cli/exit.ts';
import type { Config } from './config/config.ts';
import { BUILT_IN_CHANNELS, BUILT_IN_PRODUCTS } from './config/defaults.ts';
import { contractFolder, readContractFolder } from './contracts.ts';
import { placesOf } from './snapshots.ts';

/** Contracts that are in force together. */
export interface Side {
  readonly folders: readonly string[];
  /** Of the first of its contracts, in their order: of all, if none is left out. */
  readonly files: readonly ContractFiles[];
  readonly contracts: readonly Contract[];
  readonly snapshot: Snapshot;
  readonly reading: string | null;
  /** Whether a reading that only looks back decides. */
  readonly retrospective: boolean;
}

export interface SideOptions {
  readonly reading: string | null;
  readonly onAmbiguity: 'flag' | 'refuse';
}

/**
 * @param names folders, or names of shipped sets
 * @throws CliError if a contract cannot be used; ContractFolderError
 */
export function sideOf(names: readonly string[], cwd: string, options: SideOptions): Side {
  const folders = names.map(name => contractFolder(name, cwd));
  return sideOfFiles(folders, folders.map(readContractFolder), options);
}

export function sideOfFiles(
  folders: readonly string[],
  files: readonly ContractFiles[],
  { reading, onAmbiguity }: SideOptions,
): Side {
  const loaded = files.map(loadContract);
  const contracts = loaded.flatMap(({ contract }) => (contract === null ? [] : [contract]));
  const lines = [
    ...loaded.flatMap(({ findings }, i) => errorsOf(findings).map(one => `${folders[i] ?? ''}/${findingLine(one)}`)),
    ...errorsOf(checkContractSet(contracts)).map(findingLine),
  ];
  if (lines.length > 0) throw new CliError(EXIT.usage, lines.join('\n'));
  const chosen = chooseReadings(contracts, reading, true);
  if (!chosen.ok) throw new CliError(EXIT.usage, `perdure contracts: ${chosen.message}`);
  const { readings } = chosen;
  const snapshot = makeSnapshot({
    version: 'supposed',
    places: [],
    contracts,
    readings,
    enforce: true,
    onAmbiguity,
    weights: DEFAULT_WEIGHTS,
  });
  const retrospective = contracts.some(contract =>
    contract.readings.some(({ id, retrospective: late }) => late && readings[contract.id] === id),
  );
  return { folders, files, contracts, snapshot, reading, retrospective };
}

/** As if its contracts were in force at all times. */
export function undated(side: Side): Side {
  const effective = { from: null, to: null };
  const contracts = side.contracts.map(contract => ({ ...contract, effective }));
  return { ...side, contracts, snapshot: makeSnapshot({ ...side.snapshot, contracts }) };
}

function errorsOf<F extends { readonly level: string }>(findings: readonly F[]): readonly F[] {
  return findings.filter(({ level }) => level === 'error');
}

export interface SpaceOptions {
  /** Null: every place, product and channel that clauses can tell apart. */
  readonly config: Pick<Config, 'homes' | 'targets' | 'products' | 'channels'> | null;
  readonly from?: number | null;
  readonly to?: number | null;
  readonly only?: Readonly<Record<string, readonly string[]>>;
}

export interface Spanned {
  readonly space: FactSpace;
  readonly mentions: Mentions;
}

/** @throws CliError if the space is too wide, or has no such value */
export function spaceOf(sides: readonly Side[], options: SpaceOptions): Spanned {
  const mentions = joinMentions(sides.flatMap(({ files }) => files.map(one => mentionsOf(one, CEDAR_HERE))));
  const { config } = options;
  const places: readonly Place[] | null = config === null ? null : placesOf(config, Date.now());
  try {
    const space = makeFactSpace({
      mentions,
      contracts: sides.flatMap(({ contracts }) => contracts),
      clauses: sides.flatMap(clausesOf),
      labelsApart: joinApart(sides.flatMap(({ files }) => files.map(one => labelsApart(one, CEDAR_HERE)))),
      vocabulary: VOCABULARY,
      places,
      products: config?.products ?? BUILT_IN_PRODUCTS,
      channels: config?.channels ?? BUILT_IN_CHANNELS,
      open: config === null,
      from: options.from ?? null,
      to: options.to ?? null,
      classByUse: sides.some(({ retrospective }) => retrospective) ? facts => classesOf(sides, facts) : null,
      only: options.only ?? {},
    });
    return { space, mentions };
  } catch (error) {
    if (!(error instanceof SpaceTooWide) && !(error instanceof NoSuchValue)) throw error;
    throw new CliError(EXIT.usage, `${error.code}: ${error.message}`, { cause: error });
  }
}

function clausesOf({ files, contracts }: Side): readonly (readonly [Contract, readonly Reach[]])[] {
  return files.flatMap((one, i) => {
    const contract = contracts[i];
    return contract === undefined ? [] : [[contract, reachesOf(one, CEDAR_HERE)] as const];
  });
}

function classesOf(sides: readonly Side[], facts: ToldCall): string {
  return sides
    .flatMap(({ contracts, snapshot }) =>
      contracts.map(contract => contract.classify(facts, snapshot.readings[contract.id] ?? null).class ?? '?'),
    )
    .join(',');
}
