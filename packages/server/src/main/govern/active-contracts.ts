/**
 * The contracts in force, as snapshots: what this process decides on.
 *
 * A1  A decision uses one snapshot. The list of eras is replaced as a whole, so a decision sees the old or the new, never a mixture.
 * A2  Before a snapshot can decide, every home keeps its document: what a record names can always be explained.
 * A3  What cannot be made leaves what is in force as it is, and is reported: a process never goes on without contracts.
 * A4  Prices are those of the day: the next change of one is made ready before it comes, as what will be in force is.
 */
import { perdureError } from '@perdure/protocol';
import type { SessionLog } from '../../engine/ports.ts';
import type { ContractFiles } from '../../contract/rule.ts';
import { nextChange } from '../../money/prices.ts';
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

/** What is decided on from a moment on: an era, at the prices of its time. */
interface Priced {
  /** ms since 1970. */
  readonly from: number;
  readonly era: LoadedEra;
}

interface Loaded {
  readonly eras: readonly LoadedEra[];
  /** In the order of their moments. */
  readonly priced: readonly Priced[];
  /** When a price changes next: then the change after it is made ready. Null: never. */
  readonly until: number | null;
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
  let loaded = await load(config, governance, stores, []);
  let last: Promise<unknown> = Promise.resolve();
  let prepare: (eras: readonly LoadedEra[]) => Promise<void> = () => Promise.resolve();

  async function take(): Promise<boolean> {
    await governance.refresh();
    const { position } = governance;
    const changed = position !== taken;
    if (!changed && (loaded.until === null || governance.deps.now() < loaded.until)) return false;
    const next = await load(config, governance, stores, loaded.priced);
    if (changed) await prepare(next.eras);
    loaded = next;
    // Last: what failed is tried again by the next look.
    taken = position;
    return changed;
  }

  return {
    eras: () => loaded.eras,
    before: first => {
      prepare = first;
    },
    at: now => {
      const priced = eraAt(loaded.priced, now) ?? loaded.priced[0];
      if (priced === undefined) throw new Error('no contracts are active');
      return priced.era;
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
        snapshotOfDocument(
          documentOf(config, governance, { contracts: files, reading, enforce }, governance.deps.now()),
        );
      } catch (error) {
        if (!(error instanceof ContractsError)) throw error;
        throw perdureError('contracts_invalid', error.message, { param: 'reading' });
      }
    },
    preview: async activation =>
      snapshotOfDocument(await documentFor(config, governance, activation, governance.deps.now())),
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
function configuredActivation(config: Config): {
  readonly activation: Activation;
  readonly contracts: readonly ContractFiles[];
} {
  const contracts = configContracts(config);
  const activation: Activation = {
    id: 'config',
    contracts: contracts.map(({ ref }) => ref),
    reading: config.reading,
    enforce: true,
    effective: 0,
    withdrawn: null,
    ...newRequest('config', 0, null, null),
  };
  return { activation, contracts: contracts.map(({ files }) => files) };
}

/** The era in force and those to come; what is past is explained by its documents. Of each, at its prices and at those that come next. */
async function load(
  config: Config,
  governance: Governance,
  stores: Stores,
  before: readonly Priced[],
): Promise<Loaded> {
  const now = governance.deps.now();
  const all = eras(governance.activations, now);
  const current = eraAt(all, now);
  const wanted = all.filter(era => era.from >= (current?.from ?? 0));
  const made: LoadedEra[] = [];
  const priced: Priced[] = [];

  async function make(
    { from, activation }: { readonly from: number; readonly activation: Activation },
    to: number,
    documentAt: (at: number) => Promise<SnapshotDocument>,
    keepers: Stores,
  ): Promise<void> {
    const first = Math.max(from, now);
    const next = nextPrices(config, first);
    for (const at of next !== null && next < to ? [first, next] : [first]) {
      const document = await documentAt(at);
      const text = JSON.stringify(document);
      // A change of something else (a key) makes nothing anew.
      const same = before.find(({ era }) => era.loaded.document === text)?.era.loaded;
      const loaded = same ?? snapshotOfDocument(document);
      await Promise.all(keepers.map(store => store.putDocument(loaded.snapshot.version, loaded.document)));
      const era = { from, activation, loaded };
      if (at === first) made.push(era);
      priced.push({ from: at === first ? from : at, era });
    }
  }

  // Something always holds: an activation that is pending, or for later, leaves what a start would activate.
  if (current === null) {
    const { activation, contracts } = configuredActivation(config);
    const active = { contracts, reading: activation.reading, enforce: activation.enforce };
    const documentAt = (at: number) => Promise.resolve(documentOf(config, governance, active, at));
    await make({ from: 0, activation }, wanted[0]?.from ?? Infinity, documentAt, []);
  }
  for (const [i, era] of wanted.entries())
    await make(era, wanted[i + 1]?.from ?? Infinity, at => documentFor(config, governance, era.activation, at), stores);
  return { eras: made, priced, until: nextPrices(config, now) };
}

/** When the price of a target changes next. */
function nextPrices({ targets }: Pick<Config, 'targets'>, after: number): number | null {
  const changes = targets.flatMap(({ priceBook }) => nextChange(priceBook, after) ?? []);
  return changes.length === 0 ? null : Math.min(...changes);
}

async function documentFor(
  config: Config,
  governance: Governance,
  activation: Activation,
  at: number,
): Promise<SnapshotDocument> {
  const { store } = governance.deps;
  const contracts: ContractFiles[] = [];
  for (const { id, digest } of activation.contracts) {
    const text = await store.document(documentName(digest));
    const files = text === null ? null : (JSON.parse(text) as ContractFiles);
    if (files === null || digestOfFiles(files).digest !== digest)
      throw new Error(`the texts of ${id} that ${activation.id} activated are not in the store as they were`);
    contracts.push(files);
  }
  return documentOf(config, governance, { ...activation, contracts }, at);
}

/** The one place where what is recorded meets what decisions see. @param at whose prices are meant */
function documentOf(
  config: Config,
  governance: Governance,
  active: { readonly contracts: readonly ContractFiles[]; readonly reading: string | null; readonly enforce: boolean },
  at: number,
): SnapshotDocument {
  const { now, seen } = governance.deps;
  const waivers = liveWaivers(governance.waivers, now(), seen());
  const settled = governance.inForce;
  // What the file records counts beside what people recorded.
  const events = [...settled.events, ...eventFacts(governance.events, now())];
  const firstRefusals = [...settled.firstRefusals, ...refusalFacts(governance.rights, now())];
  return {
    form: 1,
    places: placesOf(config, at),
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
