/** Agents, vaults and credentials in their wire form. */
import {
  type AgentResource,
  type AgentVersionResource,
  type CredentialResource,
  shownAgentConfig,
  type VaultKeyRotated,
  type VaultResource,
} from '@perdure/protocol';
import type { Agent } from '../../engine/agents/agents.ts';
import { type AgentVersion, versionId } from '../../engine/agents/version.ts';
import type { Credential, Vault } from '../../engine/vaults/vaults.ts';

export function agentResource({ id, createdAt, updatedAt, now }: Agent): AgentResource {
  return {
    id,
    object: 'agent',
    created_at: Math.floor(createdAt / 1000),
    updated_at: Math.floor(updatedAt / 1000),
    name: now.name,
    metadata: now.metadata,
    ...shownAgentConfig(now.config),
  };
}

export function agentVersionResource(version: AgentVersion): AgentVersionResource {
  return {
    id: versionId(version.agent, version.version) ?? '',
    object: 'perdure.agent_version',
    agent_id: version.agent,
    version: version.version,
    created_at: Math.floor(version.createdAt / 1000),
    created_by: version.createdBy,
    rolled_back_to: version.rolledBackTo,
    digest: version.digest,
    salt: version.salt,
    name: version.name,
    metadata: version.metadata,
    ...shownAgentConfig(version.config),
  };
}

export function vaultResource({ id, createdAt, name, metadata }: Vault): VaultResource {
  return { id, object: 'vault', created_at: Math.floor(createdAt / 1000), name, metadata };
}

export function credentialResource({
  id,
  vault,
  createdAt,
  updatedAt,
  name,
  metadata,
  auth,
}: Credential): CredentialResource {
  return {
    id,
    object: 'vault.credential',
    vault_id: vault,
    created_at: Math.floor(createdAt / 1000),
    updated_at: Math.floor(updatedAt / 1000),
    name,
    metadata,
    auth,
  };
}

export function vaultKeyRotated({
  vaults,
  madeAt,
}: {
  readonly vaults: number;
  readonly madeAt: number;
}): VaultKeyRotated {
  return { object: 'perdure.vault_key_rotated', vaults, created_at: Math.floor(madeAt / 1000) };
}
