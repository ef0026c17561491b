/** Credentials of vaults, as MCP servers are given them. */
import type { CredentialBroker } from '../../engine/vaults/ports.ts';
import type { McpSecrets } from '../../provider/mcp/ports.ts';

export function mcpSecrets(broker: Pick<CredentialBroker, 'mcpHeaders'>): McpSecrets {
  return {
    async resolve({ tenant, vaults, url, credential, fresh }) {
      const headers = await broker.mcpHeaders({ tenant, vaults, credential, serverUrl: url, refused: fresh });
      return headers === null ? null : { kind: 'headers', id: credential ?? url, headers };
    },
  };
}
