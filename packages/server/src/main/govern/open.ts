/** Puts together what decides about contracts: over the control home's store, for a server or for a command on the data folder. */
import type { Clock } from '../../engine/ports.ts';
import { dayOf } from '../../kernel/day.ts';
import { homeTag, type Ids } from '../../kernel/ids.ts';
import type { GovernView } from '../../http/perdure/govern-view.ts';
import type { HomeStore } from '../../store/home-store.ts';
import type { Config } from '../config/config.ts';
import { DEFAULT_TENANT } from '../config/defaults.ts';
import { type Activation, eraAt, eras } from './activation.ts';
import { type ActiveContracts, differences, openActiveContracts } from './active-contracts.ts';
import { type AuditLeaves, NO_LEAVES } from './audit-desk.ts';
import { primeCedar } from './cedar-apart.ts';
import { makeGovernDesk } from './desk.ts';
import { Governance } from './governance.ts';
import { unmet } from './settings.ts';

const HOUR_MS = 3_600_000;

export interface Governed {
  readonly active: ActiveContracts;
  readonly desk: GovernView;
  /** The time that contracts see, as this process opened; null for the real one. */
  readonly asOf: Config['asOf'];
  /** How the configuration differs from what is in force. */
  warnings(): readonly string[];
}

export interface GovernedParts {
  /** The first home. */
  readonly control: HomeStore;
  readonly stores: readonly HomeStore[];
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: Ids;
  readonly how: 'serve' | 'look';
  /** Whether the data folder may hold a ledger: then the audit tells its leaves. */
  readonly sealed?: boolean;
}

/** @throws ContractsError, ContractFolderError, StoreError */
export async function openGoverned(
  config: Config,
  { control, stores, clock, ids, how, sealed = false }: GovernedParts,
): Promise<Governed> {
  const now = (): number => clock.now();
  let asOf: Config['asOf'] = null;
  const governance = await Governance.open({
    store: control,
    now,
    seen: () => asOf?.ms ?? now(),
    id: prefix => ids.next(prefix, homeTag(control.home)),
    approvalMs: config.limits.approvalHours * HOUR_MS,
    configured: config,
  });
  if (how === 'serve') await governance.takeSettings();
  ({ asOf } = governance.inForce);
  const active = await openActiveContracts(config, governance, stores, how);
  return {
    active,
    asOf,
    desk: makeGovernDesk({
      config: { ...config, asOf },
      governance,
      active,
      stores,
      tenants: () => knownTenants(config, control, stores),
      prime: how === 'serve' ? primeCedar : nothing,
      audit: { store: control, config, leaves: sealed ? leavesOf(config.data, control.home) : NO_LEAVES },
    }),
    warnings() {
      const waiting = unmet(config, governance.settings, now());
      const { activation, from } = active.at(now());
      const lines = differences(config, activation);
      const since = `${activation.id} of ${dayOf(from)} is in force, and not what the configuration says`;
      return [
        ...(lines.length === 0 ? [] : [`${since}: ${lines.join('; ')} (perdure contracts active, or activate)`]),
        ...(waiting === null ? [] : [settingsWarning(waiting)]),
      ];
    },
  };
}

/** Tenants of keys, revoked ones too, of settings that name one, and of what was placed. */
async function knownTenants(
  { keys, retention }: Config,
  control: HomeStore,
  stores: readonly HomeStore[],
): Promise<readonly string[]> {
  const [made, ...placed] = await Promise.all([control.keys(), ...stores.map(store => store.tenants())]);
  const named = [...keys, ...made].map(({ tenant }) => tenant);
  return [...new Set([DEFAULT_TENANT, ...named, ...retention.tenants.keys(), ...placed.flat()])];
}

function settingsWarning({ lines, pending }: NonNullable<ReturnType<typeof unmet>>): string {
  const how =
    pending === null
      ? 'it was rejected, or its time is over'
      : `another key must approve it: perdure contracts approve ${pending.id}`;
  return `the configuration says what a second person has not accepted: ${lines.join('; ')} (${how})`;
}

const nothing = (): Promise<void> => Promise.resolve();

/** What looks leaves up is loaded when somebody asks. */
function leavesOf(data: string, home: string): AuditLeaves {
  return async rows => (await import('../ledger/audit-leaves.ts')).auditLeaves(data, home, rows);
}

/** How the configuration differs from what is in force, by the store alone; null if nothing was activated. Changes nothing. */
export async function activeDifferences(
  config: Config,
  control: Pick<HomeStore, 'records'>,
  now: number,
): Promise<readonly string[] | null> {
  const records = await control.records('activation');
  const all = records.map(({ body }) => JSON.parse(body) as Activation);
  const era = eraAt(eras(all, now), now);
  return era === null ? null : differences(config, era.activation);
}

/** Looks for what other processes have changed. A look that fails is reported, and what is in force stays. */
export function follow(
  active: ActiveContracts,
  everyMs: number,
  report: (what: string, error: unknown) => void,
): { stop(): void } {
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    active
      .follow()
      .catch((error: unknown) => report('contracts', error))
      .finally(() => (looking = false));
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
