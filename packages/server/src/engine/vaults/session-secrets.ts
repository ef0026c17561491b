/**
 * Credentials that came inline with a session. Their row has a key of its own; another row beside it says when somebody looks whether the
 * session is still there: a process may die between the end of a session and that of its secrets.
 */
import { perdureError, type ToolSecrets } from '@perdure/protocol';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import { CHANGE_ATTEMPTS } from '../registry-deps.ts';
import type { ResourceChange, ResourceRow, Resources } from '../resources.ts';
import { newVaultKey, sealJson, unsealJson } from './envelope.ts';
import type { MasterKey, SessionSecrets } from './ports.ts';
import { about, held, removal, type SessionVaultBody, sessionVaultId, vaultRow } from './rows.ts';

export interface SessionSecretsDeps {
  readonly store: Resources;
  readonly master: MasterKey;
  readonly now: () => number;
}

/** Between two looks at whether a session is still there, ms. */
export const SESSION_LOOK_MS = 3_600_000;
/** Of one sweep: the store reads at most 1000 at once. */
const SWEPT = 900;
const BATCH = 100;

export function makeSessionSecrets({ store, master, now }: SessionSecretsDeps): SessionSecrets {
  async function rowsOf(
    tenant: TenantId,
    session: SessionId,
  ): Promise<{ readonly vault: ResourceRow | null; readonly look: ResourceRow | null }> {
    return {
      vault: await store.resource('vault', tenant, sessionVaultId(session)),
      look: await store.resource('session_vault', tenant, lookId(session)),
    };
  }

  async function opened(tenant: TenantId, session: SessionId, row: ResourceRow): Promise<readonly ToolSecrets[]> {
    const { body } = held<SessionVaultBody>(row);
    const key = await master.unwrap(body.key, about.key(tenant, row.id));
    return unsealJson<readonly ToolSecrets[]>(key, body.sealed, about.session(tenant, session));
  }

  /** Computed again if somebody was quicker: a rotation of the master key, perhaps. */
  async function changed(make: () => Promise<readonly ResourceChange[]>): Promise<void> {
    for (let tries = 0; tries < CHANGE_ATTEMPTS; tries++) {
      const changes = await make();
      if (changes.length === 0 || (await store.changeResources(changes, null))) return;
    }
    throw perdureError('record_changed');
  }

  async function forget(tenant: TenantId, session: SessionId): Promise<void> {
    await changed(async () => {
      const { vault, look } = await rowsOf(tenant, session);
      return [vault, look].flatMap(row => (row === null ? [] : [removal(row)]));
    });
  }

  return {
    async keep(tenant, session, secrets, replace) {
      if (secrets.length === 0) return replace ? forget(tenant, session) : undefined;
      await changed(async () => {
        const { vault, look } = await rowsOf(tenant, session);
        const before = replace || vault === null ? [] : await opened(tenant, session, vault);
        const beside = before.filter(one => !secrets.some(other => isFor(one, other)));
        const id = sessionVaultId(session);
        // A key of its own each time: what was sealed before ends with the old one.
        const key = newVaultKey();
        const body: SessionVaultBody = {
          key: await master.wrap(key, about.key(tenant, id)),
          sealed: sealJson(key, [...beside, ...secrets], about.session(tenant, session)),
        };
        const at = (row: ResourceRow | null, name: string) => ({
          tenant,
          id: name,
          parent: session,
          version: (row?.version ?? 0) + 1,
          createdAt: row?.createdAt ?? now(),
        });
        const looked: ResourceRow = {
          ...at(look, lookId(session)),
          kind: 'session_vault',
          wakeAt: now() + SESSION_LOOK_MS,
          body: '{}',
        };
        return [
          { op: 'put', row: vaultRow(at(vault, id), body) },
          { op: 'put', row: looked },
        ];
      });
    },
    forget,
    async of(tenant, session, server) {
      const row = await store.resource('vault', tenant, sessionVaultId(session));
      if (row === null || row.parent !== session) return null;
      const found = (await opened(tenant, session, row)).find(one => isFor(one, server));
      return found === undefined ? null : { authorization: found.authorization, env: found.env, version: row.version };
    },
    async sweep(gone) {
      let seen = 0;
      while (seen < SWEPT) {
        const due = await store.dueResources('session_vault', now(), BATCH);
        for (const row of due) {
          const session = row.parent as SessionId;
          if (await gone(row.tenant, session)) await forget(row.tenant, session);
          else {
            const next = { ...row, version: row.version + 1, wakeAt: now() + SESSION_LOOK_MS };
            await store.changeResources([{ op: 'put', row: next }], null);
          }
        }
        seen += due.length;
        if (due.length < BATCH) break;
      }
      return seen;
    },
  };
}

type Server = Pick<ToolSecrets, 'label' | 'url'>;

function isFor(one: Server, other: Server): boolean {
  return one.label === other.label && one.url === other.url;
}

function lookId(session: SessionId): string {
  return `svault_${session.slice('sess_'.length)}`;
}
