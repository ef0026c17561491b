/**
 * What others ask of vaults. Secrets leave them here and nowhere else: as headers of a request to an MCP server, as values that the network
 * proxy puts into requests of a sandbox, and as what came inline with a session. Nobody logs, stores or shows what he gets (L9).
 */
import type { ToolSecrets } from '@perdure/protocol';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { WorkspaceSpec } from '../tools/ports.ts';

/** Whose vaults: those attached to a session or an environment, at most `MAX_ATTACHED_VAULTS`. */
export interface AttachedVaults {
  readonly tenant: TenantId;
  /** A vault that is gone counts as empty. */
  readonly vaults: readonly string[];
}

export interface McpCredentialQuery extends AttachedVaults {
  /** The one that the tool names; null: the only one of the attached vaults that is for the server. */
  readonly credential: string | null;
  readonly serverUrl: string;
  /** After the server refused the token with 401: an OAuth token is refreshed though its time is not up. */
  readonly refused?: boolean;
  readonly signal?: AbortSignal;
}

/** What an environment allows: a credential without hosts of its own is only used where these are listed. */
export type ProxyNetwork = Pick<WorkspaceSpec['network'], 'access' | 'allowed'>;

export interface CredentialBroker {
  /**
   * Headers for an MCP server over HTTP; null if no attached credential is for it and none was named.
   * @throws credential_not_found if the one named is not attached, or is for another server; credential_ambiguous if several are for it;
   *   credential_unusable if its token has expired and cannot be refreshed; egress_denied
   */
  mcpHeaders(query: McpCredentialQuery): Promise<{ readonly [name: string]: string } | null>;
  /**
   * What a sandbox's variables hold, by their names: placeholders, worth nothing by themselves. The same for a credential ever after.
   * @throws credential_ambiguous if two attached credentials are for one variable
   */
  placeholders(attached: AttachedVaults): Promise<{ readonly [variable: string]: string }>;
  /**
   * What the proxy puts in the place of placeholders in an HTTPS request to `host` (a name or an IPv4 address, port 443 or 8443): placeholder
   * to value. Empty for a host that no credential is for. The network's own rules are for the proxy to keep.
   */
  substitutions(attached: AttachedVaults, host: string, network: ProxyNetwork): Promise<ReadonlyMap<string, string>>;
  /** Whether all of them are vaults of the tenant. @throws vault_not_found */
  checkAttached(attached: AttachedVaults): Promise<void>;
}

/** Credentials that came inline with a session, in a vault of the session's own: nobody lists it, and it ends with the session. */
export interface SessionSecrets {
  /**
   * Durably keeps them once it resolves.
   * @param replace what the session had before is gone; otherwise it stays beside them, but for what is for the same servers
   * @throws record_changed
   */
  keep(tenant: TenantId, session: SessionId, secrets: readonly ToolSecrets[], replace: boolean): Promise<void>;
  /** The session was deleted. */
  forget(tenant: TenantId, session: SessionId): Promise<void>;
  /** Those for one server: of the same label and URL, as the session wrote them (B1). */
  of(tenant: TenantId, session: SessionId, server: Pick<ToolSecrets, 'label' | 'url'>): Promise<InlineSecrets | null>;
  /**
   * Forgets those of sessions that are gone, whatever they ended by: looked at now and again (L4: a column).
   * @returns how many were looked at
   */
  sweep(gone: (tenant: TenantId, session: SessionId) => Promise<boolean>): Promise<number>;
}

export interface InlineSecrets extends Pick<ToolSecrets, 'authorization' | 'env'> {
  /** Another one whenever they are changed. */
  readonly version: number;
}

/** As the SDK says of environments. */
export const MAX_ATTACHED_VAULTS = 10;

/** The key that wraps the keys of vaults. A key service can take the place of the file in the data folder. */
export interface MasterKey {
  /** When the key in force was made, ms since 1970: no two keys share one. */
  readonly madeAt: number;
  /** @param about what is wrapped, authenticated with it */
  wrap(key: Uint8Array, about: string): Promise<WrappedKey>;
  /** @throws if it was changed, is of another `about`, or its master key is gone */
  unwrap(wrapped: WrappedKey, about: string): Promise<Uint8Array>;
}

export interface WrappedKey {
  /** `madeAt` of the master key. */
  readonly by: number;
  /** base64url. */
  readonly bytes: string;
}

/** A master key that can be replaced by another: until `finish` both are there. */
export interface ReplaceableMasterKey extends MasterKey {
  /** Whether an older key is still there. */
  readonly unfinished: boolean;
  /** Durably makes another key, in force from now on. */
  begin(): void;
  /** Destroys the older ones: nothing is wrapped with them any more. */
  finish(): void;
}

/** A request to an OAuth token endpoint. */
export interface TokenRequest {
  readonly url: string;
  readonly form: { readonly [name: string]: string };
  /** For HTTP Basic, encoded by whoever sends it. */
  readonly basic: { readonly user: string; readonly password: string } | null;
  readonly signal?: AbortSignal;
}

/**
 * Sends the form under the rules of egress, follows no redirect, and reads a bounded JSON answer; null if it is none.
 * @throws egress_denied, fetch_failed, which hold nothing of the request or the answer
 */
export type AskTokenEndpoint = (request: TokenRequest) => Promise<{ readonly status: number; readonly body: unknown }>;
