/** Schemas of agents and vaults, by the names that the OpenAPI document has for them. */
import type * as z from 'zod';
import { agentCardSchema } from '../perdure/contracts.ts';
import { agentDeletedSchema, agentSchema, agentVersionSchema, rollBackAgentBody } from '../agents/agent-resource.ts';
import { agentBody, createAgentBody } from '../agents/agent-schema.ts';
import {
  credentialDeletedSchema,
  credentialSchema,
  vaultDeletedSchema,
  vaultKeyRotatedSchema,
  vaultSchema,
} from '../agents/vault-resource.ts';
import {
  createCredentialBody,
  createVaultBody,
  updateCredentialBody,
  updateVaultBody,
} from '../agents/vault-schema.ts';
import { listPageSchema } from '../lists.ts';

export type AgentRequestName =
  | 'CreateAgent'
  | 'UpdateAgent'
  | 'RollBackAgent'
  | 'CreateVault'
  | 'UpdateVault'
  | 'CreateCredential'
  | 'UpdateCredential';
export type AgentAnswerName =
  | 'Agent'
  | 'AgentList'
  | 'AgentCardList'
  | 'AgentDeleted'
  | 'AgentVersion'
  | 'AgentVersionList'
  | 'Vault'
  | 'VaultList'
  | 'VaultDeleted'
  | 'Credential'
  | 'CredentialList'
  | 'CredentialDeleted'
  | 'VaultKeyRotated';

export const AGENT_REQUESTS: { readonly [name in AgentRequestName]: z.ZodType } = {
  CreateAgent: createAgentBody,
  UpdateAgent: agentBody,
  RollBackAgent: rollBackAgentBody,
  CreateVault: createVaultBody,
  UpdateVault: updateVaultBody,
  CreateCredential: createCredentialBody,
  UpdateCredential: updateCredentialBody,
};
export const AGENT_ANSWERS: { readonly [name in AgentAnswerName]: z.ZodType } = {
  Agent: agentSchema,
  AgentList: listPageSchema(agentSchema),
  AgentCardList: listPageSchema(agentCardSchema),
  AgentDeleted: agentDeletedSchema,
  AgentVersion: agentVersionSchema,
  AgentVersionList: listPageSchema(agentVersionSchema),
  Vault: vaultSchema,
  VaultList: listPageSchema(vaultSchema),
  VaultDeleted: vaultDeletedSchema,
  Credential: credentialSchema,
  CredentialList: listPageSchema(credentialSchema),
  CredentialDeleted: credentialDeletedSchema,
  VaultKeyRotated: vaultKeyRotatedSchema,
};
