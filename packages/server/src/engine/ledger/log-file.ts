/** The two files of a log that are not tiles: its checkpoint, and the keys that ever signed it. */
import { type Checkpoint, parseCheckpoint } from '../../ledger/checkpoint.ts';
import { formatVerifier, type Note, parseNote, parseVerifier, type Verifier } from '../../ledger/note.ts';
import type { Blobs, Sha256 } from '../ports.ts';
import { LedgerError } from './ports.ts';

export const CHECKPOINT_FILE = 'checkpoint';
/** A line a key, oldest first: for convenience. What proves a change of keys is its leaf. */
export const KEYS_FILE = 'keys';
/** The newest checkpoint that witnesses cosigned. */
export const COSIGNED_FILE = 'cosigned';

export interface SignedCheckpoint {
  readonly note: Note;
  readonly checkpoint: Checkpoint;
}

export function readSignedCheckpoint(text: string): SignedCheckpoint | null {
  const note = parseNote(text);
  const checkpoint = note === null ? null : parseCheckpoint(note.text);
  return note === null || checkpoint === null ? null : { note, checkpoint };
}

/** Null if there is no log yet. @throws LedgerError ledger_damaged */
export async function loadCheckpoint(blobs: Pick<Blobs, 'get'>): Promise<SignedCheckpoint | null> {
  const bytes = await blobs.get(CHECKPOINT_FILE);
  if (bytes === null) return null;
  const signed = readSignedCheckpoint(text(bytes, CHECKPOINT_FILE));
  if (signed === null) throw new LedgerError('ledger_damaged', 'the checkpoint is not one');
  return signed;
}

/** @throws LedgerError ledger_damaged */
export async function loadKeys(blobs: Pick<Blobs, 'get'>, sha256: Sha256): Promise<readonly Verifier[]> {
  const bytes = await blobs.get(KEYS_FILE);
  if (bytes === null) return [];
  const lines = text(bytes, KEYS_FILE).split('\n');
  const keys = lines.slice(0, -1).map(line => parseVerifier(sha256, line));
  if (lines.at(-1) !== '' || keys.includes(null))
    throw new LedgerError('ledger_damaged', 'the file of keys holds something else');
  return keys.filter(key => key !== null);
}

export function keysText(sha256: Sha256, keys: readonly Verifier[]): string {
  return keys.map(key => `${formatVerifier(sha256, key)}\n`).join('');
}

/** @throws LedgerError ledger_damaged */
export function text(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new LedgerError('ledger_damaged', `the file ${file} is no text`);
  }
}
