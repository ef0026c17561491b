/** What sessions need of the parts beside them: saved agents, environments, vaults. Absent parts have none. */
import { type AgentConfig, perdureError, type ToolSecrets } from '@perdure/protocol';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { Caller } from '../caller.ts';
import { short } from '../plan.ts';

export interface SavedAgent {
  readonly id: string;
  readonly version: number;
  readonly name: string | null;
  readonly config: AgentConfig;
}

export interface AgentHost {
  /** As it is now. @throws PerdureError if the tenant has none of that id */
  savedAgent(tenant: TenantId, id: string): Promise<SavedAgent>;
  /** Makes or finds what the session names, and says it in wire form. @throws PerdureError if it cannot be had here */
  environment(
    caller: Caller,
    session: SessionId,
    given: JsonObject & { readonly type: string },
    vaults: readonly string[],
  ): Promise<JsonObject & { readonly type: string }>;
  /** What a turn must know of the session's environment as it is now. */
  surroundings(tenant: TenantId, environment: JsonObject & { readonly type: string }): Promise<Surroundings>;
  /**
   * Whether a session may have this configuration here, and what came inline with it.
   * @param environment the session's, as far as it is known. @throws PerdureError
   */
  admit(
    config: Pick<AgentConfig, 'tools'>,
    secrets: readonly ToolSecrets[],
    environment: { readonly type: string },
  ): Promise<void>;
  /** @throws PerdureError if one is not the tenant's */
  checkVaults(tenant: TenantId, vaults: readonly string[]): Promise<void>;
  /** Durably keeps what came inline with the tools of a session (L9). `replace`: what it had for other servers is gone. */
  keepSecrets(tenant: TenantId, session: SessionId, secrets: readonly ToolSecrets[], replace: boolean): Promise<void>;
  /** A turn is about to end: what it leaves in the environment is kept. Called again after a crash; it never fails. @returns how many artifacts it left */
  ending(turn: EndingTurn): Promise<number>;
  /** What is kept for the session goes: it was deleted. */
  forget(tenant: TenantId, session: SessionId, environment: JsonObject): Promise<void>;
}

export interface Surroundings {
  /** Of the files that lie in it: the session carries them from now on (L8). */
  readonly labels: readonly string[];
  /** What the model is told of its skills and plugins; null: nothing. */
  readonly note: string | null;
}

export interface EndingTurn {
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** As the wire names it, and the event that began it. */
  readonly turn: { readonly id: string; readonly seq: number };
  readonly labels: readonly string[];
  readonly environment: JsonObject & { readonly type: string };
}

export const NO_HOST: AgentHost = {
  savedAgent: (_, id) =>
    Promise.reject(
      perdureError('invalid_request', `Agent with id '${short(id)}' not found.`, { status: 404, param: 'agent_id' }),
    ),
  environment: (_, __, given) =>
    given.type === 'none'
      ? Promise.resolve({ type: 'none' })
      : Promise.reject(
          perdureError('unsupported_parameter', `This server has no environment of type '${short(given.type)}'.`, {
            param: 'environment.type',
          }),
        ),
  surroundings: () => Promise.resolve({ labels: [], note: null }),
  admit: () => Promise.resolve(),
  ending: () => Promise.resolve(0),
  checkVaults: (_, vaults) =>
    vaults.length === 0
      ? Promise.resolve()
      : Promise.reject(perdureError('unsupported_parameter', 'This server has no vaults.', { param: 'vault_ids' })),
  keepSecrets: (_, __, secrets) =>
    secrets.length === 0
      ? Promise.resolve()
      : Promise.reject(
          perdureError('unsupported_parameter', 'This server keeps no credentials.', { param: 'agent.tools' }),
        ),
  forget: () => Promise.resolve(),
};
