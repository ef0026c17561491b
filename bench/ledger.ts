/** The ledger: leaves that its thread seals in a second, from a home's file to signed tiles on the disk, and one proof in a log of a million. */
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint } from '../packages/server/src/engine/ledger/log-file.ts';
import { LogReader } from '../packages/server/src/engine/ledger/log-reader.ts';
import { leafHash } from '../packages/server/src/ledger/hash.ts';
import { includes } from '../packages/server/src/ledger/proof.ts';
import { sha256 } from '../packages/server/src/main/digest.ts';
import { sealingHash } from '../packages/server/src/main/ledger/digest.ts';
import { logFolder } from '../packages/server/src/main/ledger/place.ts';
import { readPathBlobs } from '../packages/server/src/store/blobs/path-blobs.ts';
import { figures, ms, type Row } from './figures.ts';
import { fillHome, HOME, proveById, sealHome } from './ledger-log.ts';

const LEAVES = 1_000_000;
const PROOFS = 1000;
const FLOOR_HASHES = 200_000;
const GOAL_PER_SECOND = 100_000;
const GOAL_PROOF_MS = 5;

export async function benchLedger(leaves: number = LEAVES): Promise<readonly Row[]> {
  const data = mkdtempSync(join(tmpdir(), 'perdure-bench-ledger-'));
  try {
    await fillHome(data, leaves);
    const { seconds, stallMs, cpuUs } = await sealHome(data, leaves);
    const floorUs = bareHashes();
    const proofs = await prove(data, leaves);
    const byId = await proveById(data, leaves, PROOFS);
    const rate = leaves / seconds;
    return [
      {
        what: `ledger: ${leaves} leaves sealed by its thread, from the store to the disk`,
        goal: `>= ${GOAL_PER_SECOND}/s`,
        measured: `${Math.round(rate)}/s; ${cpuUs.toFixed(1)} us of CPU a leaf, of which two bare hashes ${floorUs.toFixed(1)}; server's thread late by at most ${ms(stallMs)}`,
        ratio: GOAL_PER_SECOND / rate,
      },
      {
        what: `ledger: one inclusion proof in ${leaves} leaves, nothing read before`,
        goal: `<= ${GOAL_PROOF_MS} ms`,
        measured: `${ms(proofs.p50)} p50, ${ms(proofs.p99)} p99`,
        ratio: proofs.p99 / GOAL_PROOF_MS,
      },
      {
        what: `ledger: a placement in ${leaves} found by its id and proven`,
        goal: `<= ${GOAL_PROOF_MS} ms p50`,
        measured: `${ms(byId.p50)} p50, ${ms(byId.p99)} p99`,
        ratio: byId.p50 / GOAL_PROOF_MS,
      },
    ];
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** What no log is spared: a hash of the leaf and one of a node, us of CPU in this very run. */
function bareHashes(): number {
  const node = Buffer.alloc(65, 1);
  const cpu = process.cpuUsage();
  for (let at = 0; at < FLOOR_HASHES; at++) hash('sha256', node, 'binary');
  const { user, system } = process.cpuUsage(cpu);
  return ((user + system) / FLOOR_HASHES) * 2;
}

async function prove(data: string, leaves: number): Promise<ReturnType<typeof figures>> {
  const blobs = readPathBlobs(logFolder(data, HOME));
  const root = (await loadCheckpoint(blobs))?.checkpoint.root;
  if (root === undefined) throw new Error('no checkpoint');
  const sample: number[] = [];
  for (let at = 0; at < PROOFS; at++) {
    const index = Math.floor((leaves / PROOFS) * at);
    const start = performance.now();
    // A reader of its own: no tile is kept from the proof before.
    const reader = new LogReader(blobs, sha256, leaves, sealingHash);
    const [entry, path] = await Promise.all([reader.entry(index), reader.inclusion(index, leaves)]);
    const leaf = leafHash(sha256, entry);
    sample.push(performance.now() - start);
    if (!includes(sha256, { index, size: leaves, leaf, path, root })) throw new Error(`no proof of leaf ${index}`);
  }
  return figures(sample);
}
