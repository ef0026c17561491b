/** A home with very many placements, its log, and placements in it that are proven. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { loadCheckpoint } from '../packages/server/src/engine/ledger/log-file.ts';
import { base32, type HomeId, homeTag, placementId } from '../packages/server/src/kernel/ids.ts';
import { EVENT_CODES } from '../packages/server/src/log/codec.ts';
import { systemClock } from '../packages/server/src/main/compose.ts';
import { sha256 } from '../packages/server/src/main/digest.ts';
import { evidenceOf } from '../packages/server/src/main/ledger/evidence.ts';
import { logFolder } from '../packages/server/src/main/ledger/place.ts';
import { openPlacementLeaves } from '../packages/server/src/main/ledger/placement-leaves.ts';
import { startLedgerThread } from '../packages/server/src/main/ledger/thread.ts';
import { openPathBlobs } from '../packages/server/src/store/blobs/path-blobs.ts';
import { openSqliteHome } from '../packages/server/src/store/sqlite/open-sqlite-home.ts';
import { type Figures, figures } from './figures.ts';

export const HOME = 'bench';
/** The server's thread looks at its clock so often, ms: what it is late by, sealing has taken from it. */
const TICK_MS = 5;

/** The body of the ids of session `n`, from 1. */
const bodyOf = (n: number): string =>
  `${base32(1_770_000_000_000, 10)}${homeTag(HOME)}${base32(n, 10).padStart(14, '0')}`;
/** The id of the placement of session `n`, from 1. */
export const placementOf = (n: number): string => placementId(bodyOf(n), 1);

/** A home's file with so many sessions of one placement each, written past the store: the store is not what is measured. */
export async function fillHome(data: string, leaves: number): Promise<void> {
  const store = await openSqliteHome({ dir: data, home: HOME as HomeId, clock: systemClock, exclusive: true });
  await store.close();
  const db = new DatabaseSync(join(data, `${HOME}.db`));
  db.exec('PRAGMA synchronous = OFF');
  const session = db.prepare(
    `INSERT INTO sessions (n, id, t, kind, seq, epoch, open, ended, created_at, updated_at, digest) VALUES (?, ?, 1, 2, 1, 1, 0, 0, 0, 0, x'')`,
  );
  const event = db.prepare(
    'INSERT INTO events (n, seq, epoch, at, actor, code, version, digest, head) VALUES (?, 1, 1, 0, 2, ?, 1, ?, ?)',
  );
  // As long as a placement's record is.
  const head = JSON.stringify({ placement: 'x'.repeat(300) });
  db.exec('BEGIN');
  db.exec("INSERT INTO names (k, name) VALUES (1, 'acme'), (2, 'key:bench')");
  for (let n = 1; n <= leaves; n++) {
    session.run(n, `sess_${bodyOf(n)}`);
    event.run(n, EVENT_CODES['call.placed'], sha256(`event ${n}`), head);
  }
  db.exec('COMMIT');
  db.close();
}

export interface Sealing {
  readonly seconds: number;
  readonly stallMs: number;
  readonly cpuUs: number;
}

/** By the ledger's thread, as a server starts it. */
export async function sealHome(data: string, leaves: number): Promise<Sealing> {
  let stallMs = 0;
  let last = performance.now();
  const ticking = setInterval(() => {
    const now = performance.now();
    stallMs = Math.max(stallMs, now - last - TICK_MS);
    last = now;
  }, TICK_MS);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const place = { data, homes: [HOME], key: join(data, 'ledger.key'), origin: 'perdure' };
  const thread = startLedgerThread({ place, intervalMs: 1000 }, fault => process.stderr.write(`${fault}\n`));
  const blobs = openPathBlobs(logFolder(data, HOME));
  while (((await loadCheckpoint(blobs))?.checkpoint.size ?? 0) < leaves)
    await new Promise(resolve => setTimeout(resolve, 20));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(ticking);
  await thread.close(10_000);
  return { seconds, stallMs, cpuUs: (user + system) / leaves };
}

/** Placements all over the log, each found by its id and proven by a reader of its own, checked against the checkpoint. */
export async function proveById(data: string, leaves: number, proofs: number): Promise<Figures> {
  const opened = await openPlacementLeaves({ data, homes: [{ id: HOME }] });
  const log = { home: HOME, folder: logFolder(data, HOME) };
  const sample: number[] = [];
  try {
    for (let at = 0; at < proofs; at++) {
      const n = Math.floor((leaves / proofs) * at) + 1;
      const start = performance.now();
      const leaf = await opened.leafOf(placementOf(n));
      if (leaf === null) throw new Error(`${placementOf(n)} is not sealed`);
      await evidenceOf(log, leaf);
      sample.push(performance.now() - start);
      if (leaf !== n - 1) throw new Error(`${placementOf(n)} is leaf ${leaf}`);
    }
  } finally {
    opened.close();
  }
  return figures(sample);
}
