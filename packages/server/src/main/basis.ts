/**
 * What a call that nobody makes is decided on: what is in force in the data folder, as its server would decide it, else the configuration.
 * Read beside the server, which need not stand still.
 */
import { join } from 'node:path';
import type { StatementBasis } from '@perdure/protocol';
import { storeError } from '../store/store-error.ts';
import { openSqliteReader } from '../store/sqlite/open-sqlite-reader.ts';
import type { HomeId } from '../kernel/ids.ts';
import type { Config } from './config/config.ts';
import { type LoadedEra, openActiveContracts } from './govern/active-contracts.ts';
import type { Activation } from './govern/activation.ts';
import { Governance } from './govern/governance.ts';
import { documentOfConfig, parseDocument, type SnapshotDocument } from './snapshots.ts';

export interface Basis {
  readonly document: SnapshotDocument;
  /** Null: the configuration, because nothing was activated where a server would keep it. */
  readonly active: { readonly activation: Activation; readonly from: number } | null;
  /** The file that was looked into, or that is not there yet. */
  readonly file: string;
}

/** Where a server keeps what was activated. */
export function controlFile({ data, homes }: Pick<Config, 'data' | 'homes'>): string {
  return join(data, `${homes[0]?.id ?? ''}.db`);
}

/**
 * @param seen the time that contracts see, ms since 1970: waivers that are over by then are left out
 * @throws ContractsError, ContractFolderError; StoreError if the file cannot be read
 */
export async function basisOf(config: Config, seen: number): Promise<Basis> {
  const control = config.homes[0]?.id ?? '';
  const file = controlFile(config);
  const reader = await openSqliteReader(config.data, control as HomeId, Date.now());
  if (reader === null) return { document: documentOfConfig(config), active: null, file };
  try {
    const governance = await Governance.open({
      store: { ...reader, ...WRITES_NOTHING },
      now: () => Date.now(),
      seen: () => seen,
      id: () => '',
      approvalMs: config.limits.approvalHours * 3_600_000,
      configured: config,
    });
    const { loaded, activation, from } = (await openActiveContracts(config, governance, [], 'look')).at(Date.now());
    const document = parseDocument(loaded.document);
    return { document, active: governance.activations.includes(activation) ? { activation, from } : null, file };
  } finally {
    await reader.close();
  }
}

const refuse = (): Promise<never> =>
  Promise.reject(storeError('store_unavailable', 'what is only read is not changed'));
const WRITES_NOTHING = { putRecord: refuse, changeResources: refuse, putDocument: refuse, audit: refuse };

/** @param supposed whether other contracts are put in their place */
export function basisText(basis: Basis, supposed: boolean): string {
  const { document } = basis;
  const contracts = basisContracts(basis);
  const counts = [
    ['waivers', document.waivers?.length ?? 0],
    ['events', document.events?.length ?? 0],
    ['offers under rights of first refusal', document.firstRefusals?.length ?? 0],
  ] as const;
  const recorded = counts.filter(([, count]) => count > 0).map(([what, count]) => `${what}: ${count}`);
  const beside = recorded.length === 0 ? '' : `; ${recorded.join(', ')}`;
  return supposed
    ? `decided on --contracts, in the place of ${contracts}${beside}`
    : `decided on ${contracts}${beside}`;
}

/** Which contracts those are, and why. */
export function basisContracts(basis: Basis): string {
  return goneBy(statementBasis(basis), `in ${basis.file}`);
}

/** @param where they are in force: `in FILE`, `at URL` */
export function goneBy({ activation, contracts, since }: StatementBasis, where: string): string {
  return activation === null || since === null
    ? `the contracts of the configuration (nothing was activated ${where})`
    : `${activation} (${contracts.join(', ') || 'no contract'}), in force ${where} since ${since.replace('.000Z', 'Z')}`;
}

export function statementBasis({ document, active }: Pick<Basis, 'document' | 'active'>): StatementBasis {
  const events = (document.events ?? []).map(({ id, date }) => ({ id, date }));
  if (active === null) return { source: 'configuration', activation: null, since: null, contracts: [], events };
  return activeBasis(active.activation, active.from, events);
}

/** Of a server, which always goes by an activation. */
export function basisOfEra({ activation, from, loaded }: LoadedEra): StatementBasis {
  return activeBasis(
    activation,
    from,
    loaded.snapshot.recorded.events.map(({ id, date }) => ({ id, date })),
  );
}

function activeBasis({ id, contracts }: Activation, from: number, events: StatementBasis['events']): StatementBasis {
  const since = new Date(from).toISOString();
  return { source: 'active', activation: id, since, contracts: contracts.map(one => one.id), events };
}

export function basisJson({ document, active }: Basis): object {
  return {
    source: active === null ? 'configuration' : 'active',
    activation: active?.activation.id ?? null,
    since: active === null ? null : new Date(active.from).toISOString(),
    waivers: (document.waivers ?? []).map(({ id }) => id),
    events: (document.events ?? []).map(({ id, date }) => ({ id, date })),
    first_refusals: (document.firstRefusals ?? []).map(({ id }) => id),
  };
}
