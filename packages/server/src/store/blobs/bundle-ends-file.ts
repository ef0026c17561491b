/**
 * The ends of a log's bundles, in a file of its own: 16 bytes a bundle, so that a log of a million leaves has 62 KB of it, of which a
 * search reads a dozen records. Nothing is flushed: what a power cut leaves of it is found wrong by whoever looks there, and found again.
 */
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BundleEnds } from '../../engine/ledger/ports.ts';
import { storeError } from '../store-error.ts';

const RECORD_BYTES = 16;

export interface BundleEndsFile extends BundleEnds {
  close(): void;
}

/** Makes the file if there is none. @throws StoreError store_unavailable */
export function openBundleEnds(path: string): BundleEndsFile {
  const file = attempt(() => {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a+');
  });
  return bundleEnds(file);
}

/** Null if there is none. @throws StoreError store_unavailable */
export function readBundleEnds(path: string): BundleEndsFile | null {
  try {
    return bundleEnds(openSync(path, 'r'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw unavailable(error);
  }
}

function bundleEnds(file: number): BundleEndsFile {
  const record = Buffer.alloc(RECORD_BYTES);
  const count = (): number => attempt(() => Math.floor(fstatSync(file).size / RECORD_BYTES));
  return {
    count,
    end(bundle) {
      attempt(() => readSync(file, record, 0, RECORD_BYTES, bundle * RECORD_BYTES));
      return { events: record.readDoubleBE(0), audit: record.readDoubleBE(8) };
    },
    append(first, ends) {
      if (ends.length === 0) return;
      attempt(() => {
        const known = count();
        if (known < first) return;
        const bytes = Buffer.alloc(ends.length * RECORD_BYTES);
        for (const [at, { events, audit }] of ends.entries()) {
          bytes.writeDoubleBE(events, at * RECORD_BYTES);
          bytes.writeDoubleBE(audit, at * RECORD_BYTES + 8);
        }
        // What is written is written at the end: a record that was cut, or that is of what was never sealed, goes first.
        ftruncateSync(file, first * RECORD_BYTES);
        writeSync(file, bytes);
      });
    },
    clear: () => attempt(() => ftruncateSync(file, 0)),
    close: () => closeSync(file),
  };
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unavailable(error);
  }
}

function unavailable(cause: unknown): Error {
  return storeError('store_unavailable', 'the places of leaves could not be kept or read', { cause });
}
