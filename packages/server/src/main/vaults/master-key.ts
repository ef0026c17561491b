/**
 * The master key of vaults: `vault.key` in the data folder, readable by its owner only, made at the first start. One line a key: when it was
 * made (ms since 1970) and the key, hexadecimal; the last line is in force. There is more than one only while a rotation is under way.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { seal, unseal, VAULT_KEY_BYTES } from '../../engine/vaults/envelope.ts';
import type { ReplaceableMasterKey } from '../../engine/vaults/ports.ts';
import { putInPlace } from '../ledger/signing-key.ts';

interface Key {
  readonly madeAt: number;
  readonly key: Uint8Array;
}

const LINE = new RegExp(`^(\\d{1,15}) ([0-9a-f]{${VAULT_KEY_BYTES * 2}})$`);

/** @throws an error that names the file, never what is in it */
export function openMasterKey(data: string, now: () => number): ReplaceableMasterKey {
  const file = join(data, 'vault.key');
  if (!existsSync(file)) write(file, [fresh(now())]);
  let keys = read(file);
  const current = (): Key => {
    const last = keys.at(-1);
    if (last === undefined) throw unreadable(file);
    return last;
  };
  current();
  return {
    get madeAt() {
      return current().madeAt;
    },
    get unfinished() {
      return keys.length > 1;
    },
    async wrap(key, about) {
      const { madeAt, key: master } = current();
      return { by: madeAt, bytes: seal(master, key, about) };
    },
    async unwrap({ by, bytes }, about) {
      const found = keys.find(({ madeAt }) => madeAt === by);
      if (found === undefined) throw new Error(`the master key that wraps this vault is not in ${file}: put it back`);
      return unseal(found.key, bytes, about);
    },
    begin() {
      const next = [...keys, fresh(Math.max(now(), current().madeAt + 1))];
      write(file, next);
      keys = next;
    },
    finish() {
      const last = [current()];
      write(file, last);
      keys = last;
    },
  };
}

function fresh(madeAt: number): Key {
  return { madeAt, key: randomBytes(VAULT_KEY_BYTES) };
}

function read(file: string): readonly Key[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const keys = lines.map(line => {
    const [, madeAt, hex] = LINE.exec(line) ?? [];
    if (madeAt === undefined || hex === undefined) throw unreadable(file);
    return { madeAt: Number(madeAt), key: new Uint8Array(Buffer.from(hex, 'hex')) };
  });
  if (keys.some(({ madeAt }, i) => i > 0 && madeAt <= (keys[i - 1]?.madeAt ?? 0))) throw unreadable(file);
  return keys;
}

function unreadable(file: string): Error {
  return new Error(`the key ${file} cannot be read: want lines of a time and ${VAULT_KEY_BYTES} bytes, hexadecimal`);
}

/** Whole or not at all. */
function write(file: string, keys: readonly Key[]): void {
  const beside = `${file}.${process.pid}.tmp`;
  const handle = openSync(beside, 'w', 0o600);
  try {
    writeSync(handle, keys.map(({ madeAt, key }) => `${madeAt} ${Buffer.from(key).toString('hex')}\n`).join(''));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  putInPlace(beside, file);
}
