/** The ledger, by its files: that it holds, and that what the store has committed is sealed in it, each event and each entry of the audit once. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { LogReader } from '../../../packages/server/src/engine/ledger/log-reader.ts';
import type { LeafSource } from '../../../packages/server/src/engine/ledger/ports.ts';
import { verifyLog } from '../../../packages/server/src/engine/ledger/verify-log.ts';
import { toHex } from '../../../packages/server/src/ledger/base64.ts';
import { decodeLeaf, isOfEvent } from '../../../packages/server/src/ledger/leaf.ts';
import { TILE_WIDTH } from '../../../packages/server/src/ledger/tile.ts';
import { sealingSha256 as sha256 } from '../../../packages/server/src/main/ledger/digest.ts';
import { filesOf } from '../../../packages/server/src/main/ledger/folders.ts';
import { logFolder, openLogs } from '../../../packages/server/src/main/ledger/place.ts';
import { verifyEd25519 } from '../../../packages/server/src/main/ledger/signing-key.ts';
import { readPathBlobs } from '../../../packages/server/src/store/blobs/path-blobs.ts';
import { openLedgerSource } from '../../../packages/server/src/store/sqlite/ledger-source.ts';
import type { Violations } from '../violations.ts';

/** Verifies every log of a data folder that no server works on. @returns leaves */
export async function checkLedger(data: string, violations: Violations): Promise<number> {
  let leaves = 0;
  for (const home of homesOf(data)) {
    const folder = logFolder(data, home);
    if (!existsSync(join(folder, 'checkpoint'))) continue;
    const blobs = readPathBlobs(folder);
    const { faults, size } = await verifyLog({ blobs, files: filesOf(folder), sha256, verify: verifyEd25519 });
    for (const fault of faults) violations.add('ledger', 'a log does not hold', `${home}: ${fault}`);
    leaves += size;
  }
  return leaves;
}

/** Seals what the last life left, as the next process would, and compares every leaf with the store. @returns leaves */
export async function checkAllSealed(data: string, violations: Violations): Promise<number> {
  const homes = homesOf(data);
  const place = { data, homes, key: join(data, 'ledger.key'), origin: 'perdure' };
  for (const { home, sealer, close } of await openLogs(place)) {
    try {
      while ((await sealer.seal()).more);
    } catch (error) {
      violations.add('ledger', 'a log cannot be gone on with', `${home}: ${String(error)}`);
    } finally {
      close();
    }
  }
  for (const home of homes) {
    const sources = openLedgerSource(data, home);
    try {
      const sealed = await sealedLeaves(logFolder(data, home));
      compare(home, 'event', await committed(sources.events), sealed.events, violations);
      compare(home, 'entry of the audit', await committed(sources.audit), sealed.audit, violations);
    } finally {
      sources.close();
    }
  }
  return checkLedger(data, violations);
}

function homesOf(data: string): readonly string[] {
  return readdirSync(data).flatMap(name => (name.endsWith('.db') ? [name.slice(0, -'.db'.length)] : []));
}

async function sealedLeaves(folder: string): Promise<{ readonly events: string[]; readonly audit: string[] }> {
  const blobs = readPathBlobs(folder);
  const text = new TextDecoder().decode((await blobs.get('checkpoint')) ?? new Uint8Array(0));
  const size = Number(text.split('\n')[1]);
  const reader = new LogReader(blobs, sha256, size);
  const leaves = { events: [] as string[], audit: [] as string[] };
  for (let bundle = 0; bundle * TILE_WIDTH < size; bundle++) {
    for (const entry of await reader.entries(bundle)) {
      const leaf = decodeLeaf(entry);
      if (leaf !== null && 'digest' in leaf)
        leaves[isOfEvent(leaf) ? 'events' : 'audit'].push(`${leaf.kind} ${toHex(leaf.digest)}`);
    }
  }
  return leaves;
}

const MOST = 10_000_000;

async function committed(source: LeafSource): Promise<readonly string[]> {
  const { kinds, digests } = await source.after(0, MOST);
  return kinds.flatMap((kind, row) =>
    kind === null ? [] : [`${kind} ${toHex(digests.subarray(row * 32, row * 32 + 32))}`],
  );
}

function compare(
  home: string,
  what: string,
  stored: readonly string[],
  sealed: readonly string[],
  violations: Violations,
): void {
  const length = Math.max(stored.length, sealed.length);
  const at = Array.from({ length }, (_, index) => index).find(index => stored[index] !== sealed[index]);
  if (at === undefined) return;
  const detail = `${home}: ${what} ${at} of ${stored.length} is ${stored[at] ?? 'not there'}; sealed are ${sealed.length}, there ${sealed[at] ?? 'nothing'}`;
  violations.add('ledger', 'what is committed is not sealed once and in order', detail);
}
