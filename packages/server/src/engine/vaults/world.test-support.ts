/** Vaults over a store in memory, with a clock that stands still and a token endpoint that follows a script. */
import { mkdtempSync, rmSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCreateCredential, parseUpdateCredential, type Parsed } from '@perdure/protocol';
import { onTestFinished } from 'vitest';
import { type HomeId, makeIds, type TenantId } from '../../kernel/ids.ts';
import { auditEntry } from '../../main/govern/audit.ts';
import { openMasterKey } from '../../main/vaults/master-key.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import { makeBroker } from './broker.ts';
import type {
  AskTokenEndpoint,
  CredentialBroker,
  ReplaceableMasterKey,
  SessionSecrets,
  TokenRequest,
} from './ports.ts';
import type { Asking } from '../registry-deps.ts';
import { makeSessionSecrets } from './session-secrets.ts';
import { type Credential, makeVaults, type VaultBounds, type Vaults } from './vaults.ts';

export const ACME = { tenant: 'acme' as TenantId, principal: 'key_1' };
export const RIVAL = { tenant: 'rival' as TenantId, principal: 'key_2' };
export const MCP = 'https://docs.example/mcp';
const NOON = 1_774_008_000_000;

export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'perdure-vault-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

export function read<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

export interface VaultWorld {
  readonly store: HomeStore;
  readonly data: string;
  readonly master: ReplaceableMasterKey;
  readonly vaults: Vaults;
  readonly broker: CredentialBroker;
  readonly secrets: SessionSecrets;
  /** What the token endpoint was asked. */
  readonly asked: readonly TokenRequest[];
  readonly now: () => number;
  readonly answers: (next: AskTokenEndpoint) => void;
  readonly pass: (ms: number) => void;
  readonly credential: (vault: string, auth: object, who?: Asking) => Promise<Credential>;
  readonly rotate: (vault: string, id: string, auth: object) => Promise<Credential>;
}

export function vaultWorld(options: { readonly bounds?: VaultBounds } = {}): VaultWorld {
  let at = NOON;
  const now = (): number => at;
  const clock = { now, monotonic: now };
  const store = openMemoryHome({ home: 'local' as HomeId, clock });
  const data = folder();
  const master = openMasterKey(data, now);
  const asked: TokenRequest[] = [];
  let answer: AskTokenEndpoint = async () => ({ status: 500, body: null });
  const ask: AskTokenEndpoint = async request => {
    asked.push(request);
    return answer(request);
  };
  const vaults = makeVaults({
    store,
    now,
    ids: makeIds(clock, into => randomFillSync(into)),
    random: into => randomFillSync(into),
    audit: ({ who, ...rest }) => auditEntry({ ...rest, actor: who }),
    master,
    ...(options.bounds !== undefined && { bounds: options.bounds }),
  });
  return {
    store,
    data,
    master,
    vaults,
    broker: makeBroker({ store, master, now, ask }),
    secrets: makeSessionSecrets({ store, master, now }),
    asked,
    now,
    answers: (next: AskTokenEndpoint) => void (answer = next),
    pass: (ms: number) => void (at += ms),
    credential: (vault: string, auth: object, who = ACME) =>
      vaults.credentials.create(who, vault, read(parseCreateCredential({ name: 'n', auth }))),
    rotate: (vault: string, id: string, auth: object) =>
      vaults.credentials.update(ACME, vault, id, read(parseUpdateCredential({ auth }))),
  };
}

export const bearerAuth = (token: string, mcp_server_url: string = MCP): object => ({
  type: 'static_bearer',
  mcp_server_url,
  token,
});

/** One that ends `seconds` after noon, and can be refreshed. */
export function oauthAuth(seconds: number | null, by: object = { type: 'none' }): object {
  return {
    type: 'mcp_oauth',
    mcp_server_url: MCP,
    access_token: 'access-1',
    expires_at: seconds === null ? null : new Date(NOON + seconds * 1000).toISOString(),
    refresh: {
      client_id: 'client 1',
      refresh_token: 'refresh-1',
      token_endpoint: 'https://auth.example/token',
      token_endpoint_auth: by,
      scope: 'read',
      resource: MCP,
    },
  };
}
