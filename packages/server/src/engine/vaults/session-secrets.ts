import type { ToolSecrets } from '@perdure/protocol';
import type { Resources } from '../resources.ts';
import { newVaultKey, sealJson, unsealJson } from './envelope.ts';
import type { MasterKey, SessionSecrets } from './ports.ts';
import { about, held, removal, type SessionVaultBody, sessionVaultId, vaultRow } from './rows.ts';

export interface SessionSecretsDeps {
  readonly store: Resources;
  readonly master: MasterKey;
  readonly now: () => number;
}

export function makeSessionSecrets({ store, master, now }: SessionSecretsDeps): SessionSecrets {
  return {
    async keep(tenant, session, secrets) {
      const id = sessionVaultId(session);
      const before = await store.resource('vault', tenant, id);
      if (secrets.length === 0) return before === null ? [] : [removal(before)];
      // A key of its own each time: what was sealed before ends with the old one.
      const key = newVaultKey();
      const body: SessionVaultBody = {
        key: await master.wrap(key, about.key(tenant, id)),
        sealed: sealJson(key, secrets, about.session(tenant, session)),
      };
      const at = {
        tenant,
        id,
        parent: session,
        version: (before?.version ?? 0) + 1,
        createdAt: before?.createdAt ?? now(),
      };
      return [{ op: 'put', row: vaultRow(at, body) }];
    },
    async forget(tenant, session) {
      const row = await store.resource('vault', tenant, sessionVaultId(session));
      return row === null ? [] : [removal(row)];
    },
    async of(tenant, session, tool) {
      const row = await store.resource('vault', tenant, sessionVaultId(session));
      if (row === null || row.parent !== session) return null;
      const { body } = held<SessionVaultBody>(row);
      const key = await master.unwrap(body.key, about.key(tenant, row.id));
      const all = unsealJson<readonly ToolSecrets[]>(key, body.sealed, about.session(tenant, session));
      const found = all.find(one => one.tool === tool);
      return found === undefined ? null : { authorization: found.authorization, env: found.env };
    },
  };
}
