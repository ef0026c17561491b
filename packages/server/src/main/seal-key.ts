/** The key that seals what clients hold for us: `seal.key` in the data folder, readable by its owner only. Made at the first start. */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SEAL_KEY_BYTES } from '../engine/compaction/seal.ts';
import { putInPlace } from './ledger/signing-key.ts';

/** @throws an error that names the file, never what is in it */
export function openSealKey(data: string): Uint8Array {
  const file = join(data, 'seal.key');
  if (!existsSync(file)) makeSealKey(file);
  const text = readFileSync(file, 'utf8').trim();
  if (!new RegExp(`^[0-9a-f]{${SEAL_KEY_BYTES * 2}}$`).test(text))
    throw new Error(`the key ${file} cannot be read: want ${SEAL_KEY_BYTES} bytes, hexadecimal`);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** Whole or not at all. */
function makeSealKey(file: string): void {
  const beside = `${file}.${process.pid}.tmp`;
  const handle = openSync(beside, 'w', 0o600);
  try {
    writeSync(handle, `${randomBytes(SEAL_KEY_BYTES).toString('hex')}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  putInPlace(beside, file);
}
