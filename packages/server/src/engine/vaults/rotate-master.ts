/**
 * Another master key: every vault's key, of all tenants and sessions, is wrapped anew with it, and then the older ones are destroyed. What
 * is sealed with the vaults' keys stays as it is. Vaults are used meanwhile; what a crash cuts off is finished by the next start.
 *
 * Who has wrapped a key and not committed it yet would lose it with the older master key: so that key is destroyed a while after, and what
 * came late is wrapped anew before.
 */
import { perdureError } from '@perdure/protocol';
import type { AuditEntry } from '../control-records.ts';
import type { ResourceChange, ResourceRow, Resources } from '../resources.ts';
import type { ReplaceableMasterKey } from './ports.ts';
import { about, held, vaultAfter, type VaultBody } from './rows.ts';

const BATCH = 100;
/** Batches in a row of which no vault could be changed, each having been changed by somebody else. */
const MAX_LOST = 100;
/** From a rotation until `finishRotation` may be called where others commit: far longer than a commit may take, ms. */
export const ROTATION_GRACE_MS = 60_000;

/**
 * Makes another master key. `finishRotation` must follow.
 * @param entry of the audit, committed with the first vault that is wrapped anew
 * @returns how many vaults were wrapped anew
 */
export async function rotateMaster(
  store: Resources,
  master: ReplaceableMasterKey,
  entry: () => AuditEntry,
): Promise<number> {
  master.begin();
  return wrapAnew(store, master, entry());
}

/**
 * Destroys the older keys once nothing is wrapped with them. @returns how many vaults were wrapped anew before
 * @throws if a vault is wrapped with a key that is not there
 */
export async function finishRotation(store: Resources, master: ReplaceableMasterKey): Promise<number> {
  const { madeAt } = master;
  if (!master.unfinished) {
    const lost = await store.dueResources('vault', madeAt - 1, 1);
    if (lost.length === 0) return 0;
    throw new Error(
      'there are vaults whose master key is gone, and nobody can open them: put the older vault.key back',
    );
  }
  const done = await wrapAnew(store, master, null);
  // A rotation that began meanwhile has its own end.
  if (master.madeAt === madeAt) master.finish();
  return done;
}

async function wrapAnew(store: Resources, master: ReplaceableMasterKey, entry: AuditEntry | null): Promise<number> {
  let done = 0;
  let lost = 0;
  let note = entry;
  while (lost < MAX_LOST) {
    const rows = await store.dueResources('vault', master.madeAt - 1, BATCH);
    if (rows.length === 0) return done;
    const before = done;
    const changes = await Promise.all(rows.map(row => wrappedAnew(row, master)));
    // Together: a commit for each would take a server with many sessions minutes. If one of them was changed meanwhile, each by itself.
    const groups = (await store.changeResources(changes, note)) ? [] : changes.map(one => [one]);
    if (groups.length === 0) [done, note] = [done + changes.length, null];
    for (const group of groups) {
      if (await store.changeResources(group, note)) [done, note] = [done + 1, null];
    }
    lost = done === before ? lost + 1 : 0;
  }
  throw perdureError('record_changed', 'The vaults are changed too often: ask for the rotation again.');
}

async function wrappedAnew(row: ResourceRow, master: ReplaceableMasterKey): Promise<ResourceChange> {
  const { body } = held<VaultBody>(row);
  const named = about.key(row.tenant, row.id);
  return vaultAfter(row, { ...body, key: await master.wrap(await master.unwrap(body.key, named), named) });
}
