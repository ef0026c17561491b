/** The ledger's key: Ed25519, PKCS #8 in PEM, readable by its owner only. Made at the first start. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Signer, VerifyEd25519 } from '../../ledger/note.ts';

/** Beside the key while a rotation is under way. */
export const NEXT = '.next';

const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

export const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) =>
  verify(null, message, publicKeyOf(publicKey), signature);

function publicKeyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: 'der', type: 'spki' });
}

/** PEM of a raw public key, as other tools read it. */
export function publicKeyPem(raw: Uint8Array): string {
  return publicKeyOf(raw).export({ format: 'pem', type: 'spki' }).toString();
}

/** Signs in the name of any home's log. */
export type KeyFor = (origin: string) => Signer;

/** @throws an error that names the file, never what is in it */
export function readSigningKey(file: string): KeyFor {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch {
    throw new Error(`the ledger's key ${file} cannot be read: want an Ed25519 key, PKCS #8, in PEM`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`the ledger's key ${file} is no Ed25519 key`);
  const publicKey = new Uint8Array(
    createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length),
  );
  return origin => ({ name: origin, type: 1, publicKey, sign: message => new Uint8Array(sign(null, message, key)) });
}

/** What is another once the file holds another key: a look at it costs next to nothing. @throws if it is gone */
export function keyStamp(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined)
    throw new Error(`the ledger's key ${file} is gone: put it back, nothing is sealed without it`);
  return `${found.ino} ${found.mtimeMs} ${found.size}`;
}

/** The key that is in the file when it is asked for: one that is replaced under a running server is not gone on with. */
export function followSigningKey(file: string): KeyFor {
  let keys = openSigningKey(file);
  let stamp = keyStamp(file);
  return origin => {
    const now = keyStamp(file);
    if (now !== stamp) [keys, stamp] = [readSigningKey(file), now];
    return keys(origin);
  };
}

/** Makes the key if there is none. */
export function openSigningKey(file: string): KeyFor {
  if (!existsSync(file)) makeSigningKey(file);
  return readSigningKey(file);
}

/** Whole or not at all. */
export function makeSigningKey(file: string): void {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  const beside = `${file}.${process.pid}.tmp`;
  const handle = openSync(beside, 'w', 0o600);
  try {
    writeSync(handle, pem.toString());
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  putInPlace(beside, file);
}

export function putInPlace(from: string, to: string): void {
  renameSync(from, to);
  if (process.platform === 'win32') return;
  const folder = openSync(dirname(to), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
