/** What tells, without a look into them, whether there can be something to seal: the files' sizes and times. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LedgerPlace } from './place.ts';

/** A text that is another after every commit in one of the homes, and after every change of the key. A commit goes to the file or to its log. */
export async function ledgerMark({ data, homes, key }: LedgerPlace): Promise<string> {
  const files = [key, ...homes.flatMap(home => [join(data, `${home}.db`), join(data, `${home}.db-wal`)])];
  return (await Promise.all(files.map(stampOf))).join(' ');
}

/** A log that is empty is as good as none: it comes and goes with those that only read. */
async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(file, { bigint: true });
    return size === 0n ? 'ENOENT' : `${ino}:${size}:${mtimeNs}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}
