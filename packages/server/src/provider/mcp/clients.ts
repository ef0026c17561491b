/** Client credentials that the operator holds for servers: asked where no vault of the session has a credential. */
import { matchesAny } from '../egress/rules.ts';
import type { McpSecrets } from './ports.ts';
import type { McpClient } from './rules.ts';

export function withClients(secrets: McpSecrets | null, clients: readonly McpClient[]): McpSecrets | null {
  if (clients.length === 0) return secrets;
  return {
    async resolve(question) {
      const own = (await secrets?.resolve(question)) ?? null;
      if (own !== null || question.credential !== null || !URL.canParse(question.url)) return own;
      const url = new URL(question.url);
      const client = clients.find(({ host }) => matchesAny(url, [host]));
      if (client === undefined) return null;
      const { host, ...rest } = client;
      return { kind: 'client_credentials', id: `config:${host}`, ...rest };
    },
  };
}
