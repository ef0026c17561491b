/** Examples of agents and vaults for the OpenAPI document. */
import type { JsonObject } from '../json.ts';
import type { AgentAnswerName, AgentRequestName } from './agent-schemas.ts';

const AGENT = 'agent_01jxq0v6w0local4z8k2m6r1t5y';
const VAULT = 'vault_01jxq0v6w0local4z8k2m6r1t5y';
const AT = 1_773_964_800;

const tools = [{ type: 'tool_search' }];
const shown: JsonObject = {
  model: 'gpt-5.2',
  instructions: 'Answer from the documents.',
  reasoning: { effort: null, summary: null },
  service_tier: 'auto',
  text: { format: { type: 'text' }, verbosity: 'medium' },
  tools,
  multi_agent: { enabled: false, max_concurrent_subagents: null },
  compaction: { async: true },
  experimental: { time_awareness: false },
  name: 'Librarian',
  metadata: { team: 'docs' },
};
const agent: JsonObject = { id: AGENT, object: 'agent', created_at: AT, updated_at: AT, ...shown };
const server = 'https://docs.example.com/mcp';
const credential: JsonObject = {
  id: 'cred_01jxq0v6w0local4z8k2m6r1t5z',
  object: 'vault.credential',
  vault_id: VAULT,
  created_at: AT,
  updated_at: AT,
  name: 'Documents',
  metadata: {},
  auth: { type: 'static_bearer', mcp_server_url: server },
};

export const AGENT_EXAMPLES: { readonly [name in AgentAnswerName | AgentRequestName]?: JsonObject } = {
  CreateAgent: {
    model: 'gpt-5.2',
    name: 'Librarian',
    instructions: 'Answer from the documents.',
    tools: [
      ...tools,
      {
        type: 'mcp',
        server_label: 'docs',
        transport: { type: 'http', server_url: server },
        allowed_tools: ['search'],
      },
    ],
    metadata: { team: 'docs' },
  },
  UpdateAgent: { instructions: 'Answer from the documents, with their names.' },
  RollBackAgent: { version: 1 },
  Agent: agent,
  AgentDeleted: { id: AGENT, object: 'agent.deleted', deleted: true },
  CreateVault: { name: 'Servers', metadata: { team: 'docs' } },
  UpdateVault: { name: 'MCP servers' },
  Vault: { id: VAULT, object: 'vault', created_at: AT, name: 'Servers', metadata: { team: 'docs' } },
  VaultDeleted: { id: VAULT, object: 'vault.deleted', deleted: true },
  CreateCredential: {
    name: 'Documents',
    auth: { type: 'static_bearer', mcp_server_url: server, token: 'the-token' },
  },
  UpdateCredential: { auth: { type: 'static_bearer', token: 'another-token' } },
  Credential: credential,
  VaultKeyRotated: { object: 'perdure.vault_key_rotated', vaults: 3, created_at: AT },
};
