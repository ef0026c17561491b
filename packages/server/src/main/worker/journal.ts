/**
 * What a worker has begun and what came of it, on its disk: a request is executed once, though the link breaks, the server starts anew or
 * the worker dies.
 *
 * J1  That a command begins is on the disk before it begins.
 * J2  What came of it is on the disk before it is told.
 * J3  A command that had begun and has no result is never run again: nobody knows what it did.
 */
import type { WorkerResult } from '@perdure/protocol';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Results that are kept: of the newest requests. */
export const MOST_KEPT = 1_000;
const FILE = 'journal.jsonl';

type Entry = { readonly key: string; readonly result: WorkerResult | null };

export interface Journal {
  /** `begun`: it had begun when a worker died. Undefined: it is not known. */
  find(key: string): WorkerResult | 'begun' | undefined;
  begin(key: string): void;
  end(result: WorkerResult): void;
  close(): void;
}

/** @param folder made if it is not there; one worker at a time has it */
export function openJournal(folder: string): Journal {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, FILE);
  const known = new Map<string, WorkerResult | null>(
    read(path)
      .slice(-MOST_KEPT * 2)
      .map(({ key, result }) => [key, result]),
  );
  const fold = (): void => {
    while (known.size > MOST_KEPT) {
      const [oldest] = known.keys();
      known.delete(oldest ?? '');
    }
  };
  fold();
  // What was read is written anew, without the line that a crash cut.
  const next = `${path}.new`;
  const whole = openSync(next, 'w', 0o600);
  for (const [key, result] of known) append(whole, { key, result });
  fsyncSync(whole);
  closeSync(whole);
  renameSync(next, path);
  const file = openSync(path, 'a', 0o600);
  const note = (entry: Entry): void => {
    append(file, entry);
    fsyncSync(file);
    known.delete(entry.key);
    known.set(entry.key, entry.result);
    fold();
  };
  return {
    find(key) {
      const held = known.get(key);
      return held === null ? 'begun' : held;
    },
    begin: key => note({ key, result: null }),
    end: result => note({ key: result.key, result }),
    close: () => closeSync(file),
  };
}

function append(file: number, entry: Entry): void {
  writeSync(file, `${JSON.stringify(entry)}\n`);
}

function read(path: string): readonly Entry[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap(line => {
      try {
        return line === '' ? [] : [JSON.parse(line) as Entry];
      } catch {
        return [];
      }
    });
}
