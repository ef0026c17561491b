/** Credentials as MCP servers are given them: what came inline with the session, else what its vaults have. */
import { type AgentConfig, perdureError, type ToolSecrets } from '@perdure/protocol';
import type { CredentialBroker, SessionSecrets } from '../../engine/vaults/ports.ts';
import type { McpSecrets } from '../../provider/mcp/ports.ts';

export function mcpSecrets(
  broker: Pick<CredentialBroker, 'mcpHeaders'>,
  inline: Pick<SessionSecrets, 'of'>,
): McpSecrets {
  return {
    async resolve({ tenant, session, vaults, label, url, credential, fresh }) {
      const own = credential === null ? await inline.of(tenant, session, { label, url }) : null;
      if (own !== null && own.authorization !== null)
        return {
          kind: 'headers',
          id: `inline:${session}:${own.version}`,
          headers: { authorization: headerOf(own.authorization) },
        };
      const headers = await broker.mcpHeaders({ tenant, vaults, credential, serverUrl: url, refused: fresh });
      return headers === null ? null : { kind: 'headers', id: credential ?? url, headers };
    },
  };
}

/** As it was given; one word is a bearer token. */
function headerOf(authorization: string): string {
  return authorization.includes(' ') ? authorization : `Bearer ${authorization}`;
}

/** What a header can hold: a scheme and what follows it, or a token. */
const AUTHORIZATION = /^[\x21-\x7e]+( +[\x21-\x7e]+)*$/;

/**
 * Whether what came inline with tools can be kept for them.
 * @throws unsupported_parameter, invalid_request: `param` names the place, and nothing of the secret is told
 */
export function admitSecrets({ tools }: Pick<AgentConfig, 'tools'>, secrets: readonly ToolSecrets[]): void {
  for (const { tool: index, authorization, env } of secrets) {
    const at = `agent.tools[${index}].transport`;
    const tool = tools[index];
    if (Object.keys(env).length > 0)
      throw perdureError(
        'unsupported_parameter',
        "Values of 'env' are not kept with a session: name variables of the environment in 'env_vars'.",
        { param: `${at}.env` },
      );
    if (authorization === null) continue;
    const param = `${at}.authorization`;
    if (tool?.type !== 'mcp' || tool.connection_origin === 'environment')
      throw perdureError('unsupported_parameter', 'Credentials are not sent from environments.', { param });
    if (tool.credential_id !== null)
      throw perdureError('invalid_request', "Give an 'authorization' or name a 'credential_id', not both.", { param });
    if (!AUTHORIZATION.test(authorization))
      throw perdureError('invalid_request', "An 'authorization' is what a header can hold: visible ASCII.", { param });
  }
}
