/** Where a home's log lies in the data folder, and under which name. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatVerifier, signedBy } from '../../ledger/note.ts';
import { loadCheckpoint } from '../../engine/ledger/log-file.ts';
import { Sealer } from '../../engine/ledger/sealer.ts';
import { openPathBlobs } from '../../store/blobs/path-blobs.ts';
import { type BundleEndsFile, openBundleEnds } from '../../store/blobs/bundle-ends-file.ts';
import { openLedgerSource } from '../../store/sqlite/ledger-source.ts';
import { sealingHash, sealingSha256 as sha256 } from './digest.ts';
import {
  type KeyFor,
  makeSigningKey,
  NEXT,
  openSigningKey,
  putInPlace,
  readSigningKey,
  verifyEd25519,
} from './signing-key.ts';

export interface LedgerPlace {
  /** The data folder. */
  readonly data: string;
  readonly homes: readonly string[];
  /** The file of the signing key. */
  readonly key: string;
  /** What the names of new logs begin with. */
  readonly origin: string;
}

/** Only what lies in here is public. */
export function logFolder(data: string, home: string): string {
  return join(data, 'ledger', home);
}

/** Where the leaves of a home's log are found: derived from log and store, and not public. */
export function bundleEndsFile(data: string, home: string): string {
  return join(data, 'ledger-places', home);
}

export interface OpenLog {
  readonly home: string;
  readonly sealer: Sealer;
  readonly close: () => void;
}

/** The key that signs now. A rotation that was interrupted is carried through first. */
export async function currentKey(place: LedgerPlace): Promise<KeyFor> {
  if (existsSync(place.key + NEXT)) await rotateKeys(place);
  return openSigningKey(place.key);
}

/** The log of each home, with what seals it. */
export async function openLogs(place: LedgerPlace): Promise<readonly OpenLog[]> {
  const logs: OpenLog[] = [];
  const keys = await currentKey(place);
  for (const home of place.homes) logs.push(await openLog(place, home, keys));
  return logs;
}

export async function openLog({ data, origin }: LedgerPlace, home: string, keys: KeyFor): Promise<OpenLog> {
  const files = openPathBlobs(logFolder(data, home));
  // A log keeps the name that it began with.
  const begun = await loadCheckpoint(files);
  const signer = keys(begun?.checkpoint.origin ?? `${origin}/ledger/${home}`);
  const sources = openLedgerSource(data, home);
  let ends: BundleEndsFile;
  try {
    ends = openBundleEnds(bundleEndsFile(data, home));
  } catch (error) {
    sources.close();
    throw error;
  }
  const sealer = new Sealer({ files, sources, sha256, hash: sealingHash, verify: verifyEd25519, signer, ends });
  return {
    home,
    sealer,
    close() {
      sources.close();
      ends.close();
    },
  };
}

export interface Rotated {
  readonly home: string;
  /** The new key, as others are told of it. */
  readonly key: string;
}

/**
 * Every log goes over to a new key. Crash-safe: the new key lies beside the old one until every log has the change, and then takes its place;
 * done again, it goes on where it stopped.
 */
export async function rotateKeys(place: LedgerPlace): Promise<readonly Rotated[]> {
  const next = place.key + NEXT;
  if (!existsSync(next)) makeSigningKey(next);
  const [oldKey, newKey] = [openSigningKey(place.key), readSigningKey(next)];
  const rotated: Rotated[] = [];
  for (const home of place.homes) {
    if (!existsSync(join(place.data, `${home}.db`))) continue;
    const blobs = openPathBlobs(logFolder(place.data, home));
    const begun = await loadCheckpoint(blobs);
    const signer = newKey(begun?.checkpoint.origin ?? `${place.origin}/ledger/${home}`);
    if (begun === null || signedBy(sha256, verifyEd25519, begun.note, signer) !== 'valid') {
      const { sealer, close } = await openLog(place, home, oldKey);
      try {
        await sealer.rotate(signer);
      } finally {
        close();
      }
    }
    rotated.push({ home, key: formatVerifier(sha256, signer) });
  }
  putInPlace(next, place.key);
  return rotated;
}
