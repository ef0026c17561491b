/**
 * The placement snapshot: made from configuration and contract texts, named by a digest of all of it, and kept as a document in every home,
 * so that any old placement can be explained on what it saw.
 */
import { createHash } from 'node:crypto';
import { chooseReadings, checkContractSet } from '../contract/contract-set.ts';
import type { Contract } from '../contract/contract.ts';
import { findingLine } from '../contract/finding.ts';
import { checkRecorded } from '../contract/recorded.ts';
import { MANIFEST_FILE } from '../contract/manifest.ts';
import type { ContractFiles } from '../contract/rule.ts';
import type { FirstRefusal, Place, RecordedEvent, TargetPlace } from '../placement/facts.ts';
import { makeSnapshot, type Snapshot, type Weights } from '../placement/snapshot.ts';
import type { Waiver } from '../placement/waive.ts';
import type { Config, HomeConfig, TargetConfig } from './config/config.ts';
import { scorePrices } from './config/money.ts';
import { readContractFolder, shippedContracts } from './contracts.ts';
import { loadOnce } from './govern/contract-texts.ts';

/** Everything that a decision sees besides the call, as text: what the version is a digest of. Without addresses and secrets. */
export interface SnapshotDocument {
  readonly form: 1;
  readonly places: readonly Place[];
  readonly contracts: readonly ContractFiles[];
  readonly reading: string | null;
  readonly enforce: boolean;
  readonly onAmbiguity: 'flag' | 'refuse';
  readonly weights: Weights;
  /** Absent: none. */
  readonly waivers?: readonly Waiver[];
  /** What has happened that contracts ask for, by date. Absent: nothing. */
  readonly events?: readonly RecordedEvent[];
  readonly firstRefusals?: readonly FirstRefusal[];
}

export interface LoadedSnapshot {
  readonly snapshot: Snapshot;
  readonly contracts: readonly Contract[];
  readonly document: string;
  readonly warnings: readonly string[];
}

/** A contract cannot be used as it is. */
export class ContractsError extends Error {
  override readonly name = 'ContractsError';
  readonly code = 'contracts_invalid';
}

const NO_PRICES = { inputPerMtok: 0, cachedInputPerMtok: 0, outputPerMtok: 0 };

/** @param at whose prices are meant, ms since 1970 */
export function placesOf(config: Pick<Config, 'homes' | 'targets'>, at: number): readonly Place[] {
  return [...config.targets.map(target => targetPlace(target, at)), ...config.homes.map(homePlace)];
}

function targetPlace(target: TargetConfig, at: number): TargetPlace {
  const {
    id,
    cloud,
    region,
    jurisdiction,
    sovereignty,
    clearances,
    vendor,
    model,
    accelerator,
    capabilities,
    contextTokens,
  } = target;
  const prices = scorePrices(target.priceBook, at) ?? NO_PRICES;
  const place = { id, cloud, region, jurisdiction, sovereignty, clearances };
  return {
    kind: 'target',
    ...place,
    vendor,
    model,
    prices,
    accelerator,
    capacity: { maxConcurrent: target.capacity },
    capabilities,
    contextTokens,
  };
}

function homePlace({ id, cloud, region, jurisdiction, sovereignty, clearances }: HomeConfig): Place {
  return { kind: 'home', id, cloud, region, jurisdiction, sovereignty, clearances };
}

/** @throws ContractsError, ContractFolderError */
export function snapshotOfConfig(config: Config): LoadedSnapshot {
  return snapshotOfDocument(documentOfConfig(config));
}

/** At the prices of now. @throws ContractFolderError */
export function documentOfConfig(config: Config): SnapshotDocument {
  const { reading, enforce, onAmbiguity, weights, events, firstRefusals } = config;
  const contracts = config.contracts.map(readContractFolder);
  return {
    form: 1,
    places: placesOf(config, Date.now()),
    contracts,
    reading,
    enforce,
    onAmbiguity,
    weights,
    // Left out where there are none: the version of such a snapshot is what it always was.
    ...(events.length > 0 && { events }),
    ...(firstRefusals.length > 0 && { firstRefusals }),
  };
}

/** What a contract that cannot be used calls itself. */
function nameIn(files: ContractFiles | undefined): string | undefined {
  return /^id: *["']?([\w.-]{1,64})/m.exec(files?.[MANIFEST_FILE] ?? '')?.[1];
}

/** @param retrospective whether readings that only look back may decide (what-if) */
export function snapshotOfDocument(document: SnapshotDocument, retrospective = false): LoadedSnapshot {
  const loaded = document.contracts.map(loadOnce);
  const contracts = loaded.flatMap(({ contract }) => (contract === null ? [] : [contract]));
  const own = loaded.flatMap(({ contract, findings: found }, index) => {
    const name = contract?.id ?? nameIn(document.contracts[index]) ?? `contract ${index + 1}`;
    return found.map(finding => ({ ...finding, file: `${name}/${finding.file}` }));
  });
  const findings = [...own, ...checkContractSet(contracts, shippedContracts())];
  const errors = findings.filter(({ level }) => level === 'error');
  if (errors.length > 0) throw new ContractsError(errors.map(findingLine).join('\n'));
  const chosen = chooseReadings(contracts, document.reading, retrospective);
  if (!chosen.ok) throw new ContractsError(chosen.message);
  const text = JSON.stringify(document);
  const version = createHash('sha256').update(text).digest('hex').slice(0, 32);
  const { places, enforce, onAmbiguity, weights, waivers, events = [], firstRefusals = [] } = document;
  const recorded = checkRecorded({ events, firstRefusals });
  if (recorded.length > 0) throw new ContractsError(recorded.join('\n'));
  const snapshot = makeSnapshot({
    version,
    places,
    contracts,
    readings: chosen.readings,
    enforce,
    onAmbiguity,
    weights,
    events,
    firstRefusals,
    ...(waivers !== undefined && { waivers }),
  });
  return {
    snapshot,
    contracts,
    document: text,
    warnings: findings.filter(({ level }) => level !== 'error').map(findingLine),
  };
}

/** Reads a document back. It was written by this program; an unknown form is from a newer one. */
export function parseDocument(text: string): SnapshotDocument {
  const document = JSON.parse(text) as SnapshotDocument;
  if (document.form !== 1)
    throw new ContractsError(`a placement was decided by a newer version (form ${String(document.form)})`);
  return document;
}
