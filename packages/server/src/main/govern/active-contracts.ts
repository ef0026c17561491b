/**
 * The contracts in force, as snapshots: what this process decides on.
 *
 * A1  A decision uses one snapshot. The list of eras is replaced as a whole, so a decision sees the old or the new, never a mixture.
 * A2  Before a snapshot can decide, every home keeps its document: what a record names can always be explained.
 * A3  What cannot be made leaves what is in force as it is, and is reported: a process never goes on without contracts.
 */
import { perdureError } from '@perdure/protocol';
import type { SessionLog } from '../../engine/ports.ts';
import type { ContractFiles } from '../../contract/rule.ts';
import type { Config } from '../config/config.ts';
import {
  ContractsError,
  type LoadedSnapshot,
  placesOf,
  type SnapshotDocument,
  snapshotOfDocument,
} from '../snapshots.ts';
import { readContractFolder } from '../contracts.ts';
import { type Activation, eraAt, eras } from './activation.ts';
import { checkContracts, digestOfFiles, documentName } from './contract-texts.ts';
import { eventFacts } from './contract-event.ts';
import type { Governance, NewActivation } from './governance.ts';
import { newRequest } from './request.ts';
import { refusalFacts } from './right.ts';
import { liveWaivers } from './waiver.ts';

export interface LoadedEra {
  readonly from: number;
  readonly activation: Activation;
  readonly loaded: LoadedSnapshot;
}

export interface ActiveContracts {
  /** What is in force at a time, ms since 1970, by the real time. */
  at(now: number): LoadedEra;
  /** What is in force and what will be. */
  readonly eras: () => readonly LoadedEra[];
  /** Reads what was changed, here or by another process, and takes it up. True if anything was. */
  follow(): Promise<boolean>;
  /** Runs before changed eras are taken up; they are not while it fails. */
  before(prepare: (eras: readonly LoadedEra[]) => Promise<void>): void;
  /** @throws PerdureError contracts_invalid if the contracts cannot be used together, or under the reading */
  check(wanted: Pick<NewActivation, 'contracts' | 'reading' | 'enforce'>): Promise<void>;
  /** The snapshot that an activation would give. */
  preview(activation: Activation): Promise<LoadedSnapshot>;
}

type Stores = readonly Pick<SessionLog, 'putDocument' | 'document'>[];

/**
 * @param how `serve`: the configuration's contracts are activated if nobody but the configuration has activated any. `look`: nothing is written;
 *   where nothing was activated, the configuration's contracts are what a start would activate.
 * @throws ContractsError, ContractFolderError; StoreError
 */
export async function openActiveContracts(
  config: Config,
  governance: Governance,
  stores: Stores,
  how: 'serve' | 'look',
): Promise<ActiveContracts> {
  if (how === 'serve') await followConfig(config, governance);
  let taken = governance.position;
  let loaded = await loadEras(config, governance, stores, []);
  let last: Promise<unknown> = Promise.resolve();
  let prepare: (eras: readonly LoadedEra[]) => Promise<void> = () => Promise.resolve();

  async function take(): Promise<boolean> {
    await governance.refresh();
    const { position } = governance;
    if (position === taken) return false;
    const next = await loadEras(config, governance, stores, loaded);
    await prepare(next);
    loaded = next;
    // Last: what failed is tried again by the next look.
    taken = position;
    return true;
  }

  return {
    eras: () => loaded,
    before: first => {
      prepare = first;
    },
    at: now => {
      const era = eraAt(loaded, now) ?? loaded[0];
      if (era === undefined) throw new Error('no contracts are active');
      return era;
    },
    follow() {
      // One look at a time; what changed while one was under way is seen by the next.
      const look = last.then(take, take);
      last = look;
      return look;
    },
    async check({ contracts, reading, enforce }) {
      try {
        const files = contracts.map(one => one.files);
        snapshotOfDocument(documentOf(config, governance, { contracts: files, reading, enforce }));
      } catch (error) {
        if (!(error instanceof ContractsError)) throw error;
        throw perdureError('contracts_invalid', error.message, { param: 'reading' });
      }
    },
    preview: async activation => snapshotOfDocument(await documentFor(config, governance, activation)),
  };
}

/** The configuration's contracts, checked. */
export function configContracts(config: Pick<Config, 'contracts'>): ReturnType<typeof checkContracts> {
  return checkContracts(config.contracts.map(folder => ({ name: folder, files: readContractFolder(folder) })));
}

/**
 * The configuration is what an operator begins with, and goes on with until somebody activates contracts by command. From then on the
 * store wins. Where a second person is required, an edit of a file must not do what two people are for: then it is the first only.
 */
async function followConfig(config: Config, governance: Governance): Promise<void> {
  const { activations } = governance;
  const now = governance.deps.now();
  const current = eraAt(eras(activations, now), now);
  if (current !== null) {
    const onlyConfig = activations.every(({ requestedBy }) => requestedBy === 'config');
    if (!onlyConfig || governance.inForce.requireSecondPerson || differences(config, current.activation).length === 0)
      return;
  }
  await governance.activate('config', {
    contracts: configContracts(config),
    reading: config.reading,
    enforce: true,
    effective: 0,
    reason: current === null ? 'the configuration, as this store began' : 'the configuration was changed',
    secondPerson: false,
  });
}

/** What a start would activate where nothing was. */
function configuredEra(config: Config, governance: Governance): LoadedEra {
  const contracts = configContracts(config);
  const { reading } = config;
  const files = contracts.map(one => one.files);
  const activation: Activation = {
    id: 'config',
    contracts: contracts.map(({ ref }) => ref),
    reading,
    enforce: true,
    effective: 0,
    withdrawn: null,
    ...newRequest('config', 0, null, null),
  };
  return {
    from: 0,
    activation,
    loaded: snapshotOfDocument(documentOf(config, governance, { contracts: files, reading, enforce: true })),
  };
}

/** The era in force and those to come; what is past is explained by its documents. */
async function loadEras(
  config: Config,
  governance: Governance,
  stores: Stores,
  before: readonly LoadedEra[],
): Promise<readonly LoadedEra[]> {
  const now = governance.deps.now();
  const all = eras(governance.activations, now);
  const current = eraAt(all, now);
  const wanted = all.filter(era => era.from >= (current?.from ?? 0));
  // Something always holds: an activation that is pending, or for later, leaves what a start would activate.
  const made: LoadedEra[] = current === null ? [configuredEra(config, governance)] : [];
  for (const { from, activation } of wanted) {
    const document = await documentFor(config, governance, activation);
    const text = JSON.stringify(document);
    // A change of something else (a key) makes nothing anew.
    const same = before.find(era => era.loaded.document === text)?.loaded;
    const snapshot = same ?? snapshotOfDocument(document);
    await Promise.all(stores.map(store => store.putDocument(snapshot.snapshot.version, snapshot.document)));
    made.push({ from, activation, loaded: snapshot });
  }
  return made;
}

async function documentFor(config: Config, governance: Governance, activation: Activation): Promise<SnapshotDocument> {
  const { store } = governance.deps;
  const contracts: ContractFiles[] = [];
  for (const { id, digest } of activation.contracts) {
    const text = await store.document(documentName(digest));
    const files = text === null ? null : (JSON.parse(text) as ContractFiles);
    if (files === null || digestOfFiles(files).digest !== digest)
      throw new Error(`the texts of ${id} that ${activation.id} activated are not in the store as they were`);
    contracts.push(files);
  }
  return documentOf(config, governance, { ...activation, contracts });
}

/** The one place where what is recorded meets what decisions see. */
function documentOf(
  config: Config,
  governance: Governance,
  active: { readonly contracts: readonly ContractFiles[]; readonly reading: string | null; readonly enforce: boolean },
): SnapshotDocument {
  const { now, seen } = governance.deps;
  const waivers = liveWaivers(governance.waivers, now(), seen());
  const settled = governance.inForce;
  // What the file records counts beside what people recorded.
  const events = [...settled.events, ...eventFacts(governance.events, now())];
  const firstRefusals = [...settled.firstRefusals, ...refusalFacts(governance.rights, now())];
  return {
    form: 1,
    places: placesOf(config),
    contracts: active.contracts,
    reading: active.reading,
    enforce: active.enforce && settled.enforce,
    onAmbiguity: settled.onAmbiguity,
    weights: config.weights,
    ...(waivers.length > 0 && { waivers }),
    ...(events.length > 0 && { events }),
    ...(firstRefusals.length > 0 && { firstRefusals }),
  };
}

/** How the configuration differs from what is in force: one line each; empty if it does not. */
export function differences(config: Pick<Config, 'contracts' | 'reading'>, activation: Activation): readonly string[] {
  const lines: string[] = [];
  const active = new Map(activation.contracts.map(ref => [ref.id, ref]));
  const configured = configContracts(config).map(({ ref }) => ref);
  for (const { id, version, digest } of configured) {
    const other = active.get(id);
    active.delete(id);
    if (other === undefined) lines.push(`${id} ${version} is configured and not active`);
    else if (other.digest !== digest)
      lines.push(`${id} ${version} as configured differs from ${id} ${other.version} as activated`);
  }
  for (const { id, version } of active.values()) lines.push(`${id} ${version} is active and not configured`);
  if (activation.reading !== config.reading)
    lines.push(
      `the reading ${config.reading ?? 'of each contract'} is configured, ${activation.reading ?? 'that of each contract'} is active`,
    );
  return lines;
}
