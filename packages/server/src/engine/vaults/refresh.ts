/** OAuth access tokens that are fresh (RFC 6749, section 6; RFC 8707 for `resource`). */
import { perdureError, VAULT_LIMITS } from '@perdure/protocol';
import type { InTurn } from '../in-turn.ts';
import type { CredentialSecret } from './credential-auth.ts';
import { CHANGE_ATTEMPTS } from '../registry-deps.ts';
import { sealJson } from './envelope.ts';
import { mustFindCredential, openCredential, vaultKey, type VaultReads } from './open-vault.ts';
import type { AskTokenEndpoint } from './ports.ts';
import { about, type CredentialBody, credentialAfter, type Held, type VaultBody } from './rows.ts';

export interface RefreshDeps extends VaultReads {
  readonly now: () => number;
  readonly ask: AskTokenEndpoint;
  readonly inTurn: InTurn;
}

interface Found {
  readonly vault: Held<VaultBody>;
  readonly credential: Held<CredentialBody>;
}

type Asked = { readonly refused?: boolean; readonly signal?: AbortSignal };
type OauthSecret = Extract<CredentialSecret, { readonly type: 'mcp_oauth' }>;
type Refresh = (found: Found, asked: Asked) => Promise<string>;

/** A token is refreshed this long before its end, so that a request under way does not outlive it, ms. */
const EARLY_MS = 60_000;
/** The longest life that is believed, ms: what is longer is no time. */
const LONGEST_MS = 10 * 365 * 86_400_000;
/** Of RFC 6749, section 5.2: the only words of an endpoint that are told on (B3). */
const KNOWN_ERRORS: ReadonlySet<unknown> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
]);
const TOKEN = /^[\x21-\x7e]+$/;

/** @returns an access token. It throws credential_unusable, egress_denied, fetch_failed */
export function makeRefresh(deps: RefreshDeps): Refresh {
  const { store, now, inTurn } = deps;

  return async (found, asked) => {
    const secret = await oauthOf(found);
    if (asked.refused !== true && state(found.credential.body) === 'fresh') return secret.accessToken;
    return inTurn(found.credential.row.id, () => refreshed(found, asked));
  };

  /** One at a time for a credential: who waited finds what the one before has stored (B2). */
  async function refreshed(seen: Found, { refused = false, signal }: Asked): Promise<string> {
    const { vault } = seen;
    const credential = await mustFindCredential(store, vault.row, seen.credential.row.id);
    const secret = await oauthOf({ vault, credential });
    const changed = credential.row.version !== seen.credential.row.version;
    const now = state(credential.body);
    if (now === 'fresh' && (changed || !refused)) return secret.accessToken;
    const { auth } = credential.body;
    if (auth.type !== 'mcp_oauth' || auth.refresh === null || secret.refreshToken === null) {
      if (now !== 'over' && !refused) return secret.accessToken;
      throw unusable(`The credential ${credential.row.id} has ${refused ? 'been refused' : 'expired'}.`);
    }
    try {
      const fresh = await askFor(auth.refresh, secret, secret.refreshToken, signal);
      await keep({ vault, credential }, secret, fresh);
      return fresh.accessToken;
    } catch (error) {
      // Its time is not up: it serves while the endpoint is away.
      if (now === 'ending' && !refused) return secret.accessToken;
      throw error;
    }
  }

  async function oauthOf({ vault, credential }: Found): Promise<OauthSecret> {
    const secret = openCredential(await vaultKey(deps, vault), credential);
    if (secret.type !== 'mcp_oauth') throw new Error('this credential has no token that could be refreshed');
    return secret;
  }

  function state({ auth }: CredentialBody): 'fresh' | 'ending' | 'over' {
    if (auth.type !== 'mcp_oauth' || auth.expires_at === null) return 'fresh';
    const left = Date.parse(auth.expires_at) - now();
    return left > EARLY_MS ? 'fresh' : left > 0 ? 'ending' : 'over';
  }

  interface Fresh {
    readonly accessToken: string;
    readonly refreshToken: string | null;
    readonly expiresAt: string | null;
  }

  async function askFor(
    refresh: NonNullable<Extract<CredentialBody['auth'], { type: 'mcp_oauth' }>['refresh']>,
    { clientSecret }: OauthSecret,
    refreshToken: string,
    signal: AbortSignal | undefined,
  ): Promise<Fresh> {
    const { client_id, resource, scope, token_endpoint: url, token_endpoint_auth: by } = refresh;
    const at = now();
    const { status, body } = await deps.ask({
      url,
      form: {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        ...(by.type !== 'client_secret_basic' && { client_id }),
        ...(by.type === 'client_secret_post' && { client_secret: clientSecret ?? '' }),
        ...(scope !== null && { scope }),
        ...(resource !== null && { resource }),
      },
      basic: by.type === 'client_secret_basic' ? { user: client_id, password: clientSecret ?? '' } : null,
      ...(signal !== undefined && { signal }),
    });
    const answer = typeof body === 'object' && body !== null ? (body as { readonly [name: string]: unknown }) : {};
    if (status !== 200) {
      const word = KNOWN_ERRORS.has(answer['error']) ? `, ${String(answer['error'])}` : '';
      throw unusable(`The token endpoint refused to refresh the credential (status ${status}${word}).`);
    }
    const accessToken = tokenIn(answer['access_token']);
    if (accessToken === null) throw unusable('The token endpoint answered without an access token.');
    const life = Number(answer['expires_in']) * 1000;
    const known = life > 0 && life <= LONGEST_MS;
    return {
      accessToken,
      refreshToken: tokenIn(answer['refresh_token']),
      expiresAt: known ? new Date(at + life).toISOString() : null,
    };
  }

  /** Before the token is used (B2). What its owner changed meanwhile stands: new metadata beside it, new tokens instead of it. */
  async function keep({ vault, credential: asked }: Found, used: OauthSecret, fresh: Fresh): Promise<void> {
    const key = await vaultKey(deps, vault);
    const { id } = asked.row;
    for (let attempt = 0; attempt < CHANGE_ATTEMPTS; attempt++) {
      const credential = attempt === 0 ? asked : await mustFindCredential(store, vault.row, id);
      const { auth } = credential.body;
      const held = openCredential(key, credential);
      if (auth.type !== 'mcp_oauth' || held.type !== 'mcp_oauth') return;
      if (held.refreshToken !== used.refreshToken || held.accessToken !== used.accessToken) return;
      const { accessToken, refreshToken, expiresAt } = fresh;
      const next: OauthSecret = { ...held, accessToken, refreshToken: refreshToken ?? held.refreshToken };
      const body: CredentialBody = {
        ...credential.body,
        auth: { ...auth, expires_at: expiresAt },
        sealed: sealJson(key, next, about.credential(vault.row.tenant, vault.row.id, id)),
        updatedAt: now(),
      };
      if (await store.changeResources([credentialAfter(credential.row, body)], null)) return;
    }
    throw perdureError('record_changed');
  }
}

function tokenIn(value: unknown): string | null {
  const fits = typeof value === 'string' && value.length <= VAULT_LIMITS.secretChars && TOKEN.test(value);
  return fits ? value : null;
}

function unusable(message: string): Error {
  return perdureError('credential_unusable', message);
}
