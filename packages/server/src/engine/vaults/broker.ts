/**
 * Hands credentials to those who send them.
 *
 * B1  A credential goes to the server, or the hosts, that it was made for, and to no other, whoever names it.
 * B2  Of many who need a fresh token one asks for it, and what it gets is stored before anybody uses it.
 * B3  What an endpoint says is not told on: neither to the client nor to the log (L9).
 */
import { perdureError } from '@perdure/protocol';
import { makeInTurn } from '../in-turn.ts';
import type { Resources } from '../resources.ts';
import type { CredentialSecret } from './credential-auth.ts';
import { openCredential, vaultKey, findVault, mustFindVault } from './open-vault.ts';
import {
  type AskTokenEndpoint,
  type AttachedVaults,
  type CredentialBroker,
  MAX_ATTACHED_VAULTS,
  type MasterKey,
  type McpCredentialQuery,
} from './ports.ts';
import { makeRefresh } from './refresh.ts';
import { type CredentialBody, type Held, held, type VaultBody } from './rows.ts';

export interface BrokerDeps {
  readonly store: Resources;
  readonly master: MasterKey;
  readonly now: () => number;
  readonly ask: AskTokenEndpoint;
}

interface Found {
  readonly vault: Held<VaultBody>;
  readonly credential: Held<CredentialBody>;
}

const ROWS = 1000;

export function makeBroker(deps: BrokerDeps): CredentialBroker {
  const { store } = deps;
  const refresh = makeRefresh({ ...deps, inTurn: makeInTurn() });

  async function attached({ tenant, vaults }: AttachedVaults): Promise<readonly Found[]> {
    if (vaults.length > MAX_ATTACHED_VAULTS)
      throw perdureError('invalid_request', `At most ${MAX_ATTACHED_VAULTS} vaults are attached at once.`);
    const found: Found[] = [];
    for (const id of new Set(vaults)) {
      const vault = await findVault(store, tenant, id);
      if (vault === null) continue;
      const query = { kind: 'credential', tenant, parent: id, order: 'asc', limit: ROWS, after: null } as const;
      for (const row of await store.resources(query)) found.push({ vault, credential: held<CredentialBody>(row) });
    }
    return found;
  }

  async function secretOf({ vault, credential }: Found): Promise<CredentialSecret> {
    return openCredential(await vaultKey(deps, vault), credential);
  }

  function chosen(all: readonly Found[], { credential, serverUrl }: McpCredentialQuery): Found | null {
    const fit = all.filter(({ credential: { body } }) => isFor(body, serverUrl));
    if (credential === null) {
      if (fit.length > 1)
        throw perdureError(
          'credential_ambiguous',
          'Several attached credentials are for this MCP server: name one by credential_id.',
        );
      return fit[0] ?? null;
    }
    const named = fit.find(one => one.credential.row.id === credential);
    if (named !== undefined) return named;
    const why = all.some(one => one.credential.row.id === credential)
      ? 'is for another server'
      : 'is not attached here';
    throw perdureError('credential_not_found', `The credential '${credential.slice(0, 64)}' ${why}.`);
  }

  return {
    async mcpHeaders(query) {
      const found = chosen(await attached(query), query);
      if (found === null) return null;
      const secret = await secretOf(found);
      if (secret.type === 'static_bearer') return bearer(secret.token);
      if (secret.type === 'mcp_oauth') return bearer(await refresh(found, query));
      return null;
    },
    async placeholders(query) {
      const variables = new Map<string, string>();
      for (const { credential } of await attached(query)) {
        const { auth, placeholder } = credential.body;
        if (auth.type !== 'environment_variable' || placeholder === null) continue;
        if (variables.has(auth.secret_name))
          throw perdureError(
            'credential_ambiguous',
            `Several attached credentials are for the variable ${auth.secret_name}.`,
          );
        variables.set(auth.secret_name, placeholder);
      }
      return Object.fromEntries(variables);
    },
    async substitutions(query, host, network) {
      const values = new Map<string, string>();
      const open = network.access === 'restricted' && network.allowed.length > 0;
      for (const found of await attached(query)) {
        const { auth, placeholder } = found.credential.body;
        if (auth.type !== 'environment_variable' || placeholder === null) continue;
        const { networking } = auth;
        const goes = networking.type === 'limited' ? networking.allowed_hosts.includes(host.toLowerCase()) : open;
        if (!goes) continue;
        const secret = await secretOf(found);
        if (secret.type === 'environment_variable') values.set(placeholder, secret.value);
      }
      return values;
    },
    async checkAttached({ tenant, vaults }) {
      if (vaults.length > MAX_ATTACHED_VAULTS)
        throw perdureError('invalid_request', `At most ${MAX_ATTACHED_VAULTS} vaults are attached at once.`, {
          param: 'vault_ids',
        });
      for (const id of vaults) await mustFindVault(store, tenant, id);
    },
  };
}

function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** As URLs are equal, whatever their spelling. */
function isFor({ auth }: CredentialBody, serverUrl: string): boolean {
  return auth.type !== 'environment_variable' && URL.canParse(serverUrl) && sameUrl(auth.mcp_server_url, serverUrl);
}

function sameUrl(a: string, b: string): boolean {
  return new URL(a).href === new URL(b).href;
}
