/**
 * Another master key: every vault's key, of all tenants and sessions, is wrapped anew with it, and the older ones are destroyed. What is
 * sealed with the vaults' keys stays as it is. Vaults are used meanwhile; what a crash cuts off is finished by the next start or rotation.
 */
import { perdureError } from '@perdure/protocol';
import type { AuditEntry } from '../control-records.ts';
import type { Resources } from '../resources.ts';
import type { ReplaceableMasterKey } from './ports.ts';
import { about, held, vaultAfter, type VaultBody } from './rows.ts';

const BATCH = 100;
/** Batches in a row of which no vault could be changed, each having been changed by somebody else. */
const MAX_LOST = 100;

/**
 * @param entry of the audit, committed with the first vault that is wrapped anew
 * @returns how many vaults were wrapped anew
 */
export async function rotateMaster(
  store: Resources,
  master: ReplaceableMasterKey,
  entry: () => AuditEntry,
): Promise<number> {
  const before = await finishRotation(store, master, null);
  master.begin();
  return before + (await finishRotation(store, master, entry()));
}

/** Goes on with one that was begun, if any. */
export async function finishRotation(
  store: Resources,
  master: ReplaceableMasterKey,
  entry: AuditEntry | null,
): Promise<number> {
  if (!master.unfinished) return 0;
  let done = 0;
  let lost = 0;
  let note = entry;
  while (lost < MAX_LOST) {
    const rows = await store.dueResources('vault', master.madeAt - 1, BATCH);
    if (rows.length === 0) {
      master.finish();
      return done;
    }
    const before = done;
    for (const row of rows) {
      const { body } = held<VaultBody>(row);
      const named = about.key(row.tenant, row.id);
      const key = await master.wrap(await master.unwrap(body.key, named), named);
      if (!(await store.changeResources([vaultAfter(row, { ...body, key })], note))) continue;
      note = null;
      done += 1;
    }
    lost = done === before ? lost + 1 : 0;
  }
  throw perdureError(
    'record_changed',
    'The vaults are changed too often: the rotation goes on when it is asked for again.',
  );
}
