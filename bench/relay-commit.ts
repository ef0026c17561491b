/** The thread of a relay that keeps a record: two rows and their index, durable as the server's store is, and nothing else. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const db = new DatabaseSync(String(workerData));
db.exec('PRAGMA page_size = 8192');
db.exec('PRAGMA journal_mode = WAL');
db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0');
db.exec(
  'CREATE TABLE events (e INTEGER PRIMARY KEY, n INTEGER, seq INTEGER, head TEXT); CREATE UNIQUE INDEX place ON events (n, seq)',
);
const begin = db.prepare('BEGIN IMMEDIATE');
const add = db.prepare('INSERT INTO events (n, seq, head) VALUES (?, ?, ?)');
const commit = db.prepare('COMMIT');
let n = 0;

parentPort?.on('message', (head: string) => {
  n += 1;
  begin.run();
  add.run(n, 1, head);
  add.run(n, 2, head);
  commit.run();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
  parentPort?.postMessage(n);
  if (n % 500 === 0) db.exec('PRAGMA wal_checkpoint(PASSIVE)');
});
