/** Agents and vaults of a deployment, over the control home. */
import { randomFillSync } from 'node:crypto';
import { type Agents, makeAgents } from '../engine/agents/agents.ts';
import type { Clock, Ids } from '../engine/ports.ts';
import type { RegistryDeps } from '../engine/registry-deps.ts';
import { makeBroker } from '../engine/vaults/broker.ts';
import type { CredentialBroker, SessionSecrets } from '../engine/vaults/ports.ts';
import { finishRotation, ROTATION_GRACE_MS, rotateMaster } from '../engine/vaults/rotate-master.ts';
import { makeSessionSecrets } from '../engine/vaults/session-secrets.ts';
import { makeVaults, type Vaults } from '../engine/vaults/vaults.ts';
import type { RegistryView } from '../http/agents/view.ts';
import { makeTokenEndpoints } from '../provider/egress/token-endpoint.ts';
import type { HomeStore } from '../store/home-store.ts';
import type { Config } from './config/config.ts';
import { sha256 } from './digest.ts';
import { actorOf, auditEntry } from './govern/audit.ts';
import { openMasterKey } from './vaults/master-key.ts';
import { VERSION } from './version.ts';

export interface Registry extends RegistryView {
  readonly agents: Agents;
  readonly vaults: Vaults;
  readonly broker: CredentialBroker;
  readonly sessionSecrets: SessionSecrets;
  /** Goes on with a rotation of the master key that a process before left unfinished. @returns vaults that were wrapped anew */
  finishRotation(): Promise<number>;
  close(): Promise<void>;
}

export interface RegistryOptions {
  /** The control home. */
  readonly store: HomeStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly config: Pick<Config, 'data' | 'egress'>;
  readonly report: (what: string, error: unknown) => void;
}

/** @throws an error that names the file if the master key cannot be read */
export function openRegistry({ store, clock, ids, config, report }: RegistryOptions): Registry {
  const now = (): number => clock.now();
  const master = openMasterKey(config.data, now);
  const tokens = makeTokenEndpoints(config.egress, `perdure/${VERSION}`);
  const deps: RegistryDeps = {
    store,
    now,
    ids,
    random: into => randomFillSync(into),
    audit: ({ who, ...change }) => auditEntry({ ...change, actor: actorOf(who) }),
  };
  let ending: NodeJS.Timeout | undefined;
  const finish = (): Promise<number> => finishRotation(store, master);
  return {
    agents: makeAgents({ ...deps, sha256 }),
    vaults: makeVaults({ ...deps, master }),
    broker: makeBroker({ store, master, now, ask: tokens.ask }),
    sessionSecrets: makeSessionSecrets({ store, master, now }),
    async close() {
      clearTimeout(ending);
      await tokens.close();
    },
    finishRotation: finish,
    async rotateMaster(who) {
      const entry = () =>
        deps.audit({ at: now(), who, action: 'vault.key_rotated', subject: 'vault.key', tenant: null, body: {} });
      const vaults = await rotateMaster(store, master, entry);
      clearTimeout(ending);
      ending = setTimeout(
        () => void finish().catch((error: unknown) => report('vault key rotation', error)),
        ROTATION_GRACE_MS,
      ).unref();
      return { vaults, madeAt: master.madeAt };
    },
  };
}
