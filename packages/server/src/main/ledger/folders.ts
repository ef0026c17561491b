/** Which logs a command speaks of: those of a data folder, or a copy of one. */
import { existsSync } from 'node:fs';
import { opendir, readdir } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { CHECKPOINT_FILE } from '../../engine/ledger/log-file.ts';
import { CliError, EXIT } from '../cli/exit.ts';

export interface LogFolder {
  readonly home: string;
  readonly folder: string;
}

/** @throws CliError if there is no log */
export async function findLogs(folder: string, home: string | undefined): Promise<readonly LogFolder[]> {
  if (existsSync(join(folder, CHECKPOINT_FILE))) return [{ home: basename(folder), folder }];
  const within = existsSync(join(folder, 'ledger')) ? join(folder, 'ledger') : folder;
  const names = existsSync(within) ? await readdir(within) : [];
  const found = names
    .toSorted()
    .map(name => ({ home: name, folder: join(within, name) }))
    .filter(one => existsSync(join(one.folder, CHECKPOINT_FILE)) && (home === undefined || one.home === home));
  if (found.length > 0) return found;
  throw new CliError(EXIT.usage, `there is no ledger in ${folder}`, {
    hint: 'Want a data folder, or a copy of a log (the folder that holds "checkpoint").',
  });
}

/** Paths of all files, as the log names them. */
export async function* filesOf(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder, { recursive: true })) {
    if (!entry.isDirectory()) yield relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/');
  }
}
