/** What MCP servers need of other parts: credentials of vaults, and processes and addresses of a session's workspace. */
import type { ServedProcess, ToolScope } from '../../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { McpTransportSpec } from './server-spec.ts';

export type McpCredential =
  /** A `static_bearer`, or an `mcp_oauth` that the vault keeps fresh. Sent to the origin of the server alone. */
  | { readonly kind: 'headers'; readonly id: string; readonly headers: { readonly [name: string]: string } }
  /** A token is fetched for it, from this issuer alone. */
  | {
      readonly kind: 'client_credentials';
      readonly id: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly issuer: string;
      readonly scope: string | null;
    };

export interface CredentialQuestion {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly vaults: readonly string[];
  readonly label: string;
  /** The server's, as the session names it. */
  readonly url: string;
  /** The one that the session names; null: the one of the attached vaults that matches the URL, if exactly one does. */
  readonly credential: string | null;
  /** The server refused what was given: take a new one if there can be one. */
  readonly fresh: boolean;
}

export interface McpSecrets {
  /** Null: the server is asked without. @throws PerdureError if a named credential is not there */
  resolve(question: CredentialQuestion): Promise<McpCredential | null>;
}

export interface ServerEnvironments {
  /** Starts a server inside the session's workspace, under its isolation. Null: none is started there. */
  readonly spawn:
    | ((scope: ToolScope, transport: McpTransportSpec & { readonly type: 'stdio' }) => Promise<ServedProcess>)
    | null;
  /** Resolves once the session's workspace is made, which may take its setup commands' time. Never fails: who starts a server there hears why not. */
  readonly ready?: (scope: ToolScope) => Promise<void>;
  /** Asks an address from the session's workspace, under its network rules. No credential goes along. */
  fetch(scope: ToolScope): (url: string | URL, init?: RequestInit) => Promise<Response>;
}
