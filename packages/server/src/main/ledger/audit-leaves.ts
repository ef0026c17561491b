/** Which leaves entries of the audit are, by the files of a data folder: also while a server works on them. */
import { LedgerError } from '../../engine/ledger/ports.ts';
import { fromHex } from '../../ledger/base64.ts';
import { auditLeafKind } from '../../ledger/leaf.ts';
import type { AuditRow } from '../../engine/control-records.ts';
import { openLeafFinder } from './evidence.ts';

/**
 * The numbers of their leaves in a home's log; null for what is not sealed. Of a damaged log as far as it can be read: that it is damaged is for
 * `verify` to tell, and the audit is shown all the same.
 * @param rows oldest first
 */
export async function auditLeaves(
  data: string,
  home: string,
  rows: readonly Pick<AuditRow, 'position' | 'action' | 'digest'>[],
): Promise<readonly (number | null)[]> {
  const found: (number | null)[] = [];
  if (rows.length === 0) return found;
  try {
    const finder = await openLeafFinder(data, home);
    try {
      for (const { position, action, digest: hex } of rows) {
        const digest = fromHex(hex);
        const wanted =
          digest === null ? null : { source: 'audit' as const, position, kind: auditLeafKind(action), digest };
        const leaf = wanted === null ? null : await finder.indexOf(wanted);
        // Sealed in their order: behind the first that is not there, none is. To look for each would be to read the whole log each time.
        if (leaf === null) break;
        found.push(leaf);
      }
    } finally {
      finder.close();
    }
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
  }
  return rows.map((_, at) => found[at] ?? null);
}
