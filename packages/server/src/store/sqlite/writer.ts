/** The writer's thread of one home. It alone writes the file. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Release } from '../../engine/ports.ts';
import { DEFAULT_LOG_BYTES, makeCheckpointer } from './checkpoint.ts';
import { openForWriting, pageBytesOf } from './connection.ts';
import { makeControlHandlers } from './control-sql.ts';
import { makeFileHandlers } from './file-sql.ts';
import { giveBack } from './give-back.ts';
import { makeGroupCommit } from './group-commit.ts';
import { makeLogHandlers } from './log-sql.ts';
import { Inbox } from './inbox.ts';
import {
  charsOf,
  type Handlers,
  type HomeReads,
  type Reply,
  type Request,
  type WireAppend,
  type WorkerStart,
  type WriterAsides,
} from './messages.ts';
import { migrate } from './migrate.ts';
import { makeReads } from './reads.ts';
import { MIGRATIONS } from './schema.ts';
import { makeRepacker } from './repack.ts';
import { makeResourceHandlers } from './resource-sql.ts';
import { failureOf, openingFailure, StoreFailure } from './sqlite-failure.ts';
import { WriterMemory } from './writer-memory.ts';

/** Changes of one commit: bounds how long the first of them waits. */
const MAX_GROUP = 512;
/** Changes of a commit that show many streams at once. */
const CROWD = 8;
/** From the begin of a commit of a crowd to the next one, if only deltas wait for it, ms: one write to the disk then serves more streams. */
const WINDOW_MS = 3;

/** @returns what works until it is told to close */
function open(port: MessagePort, { setup, posts }: WorkerStart): () => void {
  const db = openForWriting(setup);
  migrate(db, MIGRATIONS, setup);

  const repacker = makeRepacker(db);
  const checkpointer = makeCheckpointer(db, setup.logBytes ?? DEFAULT_LOG_BYTES, () => repacker.repack());
  const memory = new WriterMemory(db);
  const log = makeLogHandlers(db, memory, { erased: () => checkpointer.erased(), stirred: () => repacker.stirred() });
  const files = makeFileHandlers(db, memory, () => checkpointer.erased());
  const resources = makeResourceHandlers(db, () => checkpointer.erased());
  const changes = { ...log, ...makeControlHandlers(db), ...files, ...resources };
  const group = makeGroupCommit(db, changes, memory);
  const pageCount = db.prepare('PRAGMA page_count');

  const asides: Handlers<WriterAsides> = {
    journal: log.journal,
    size() {
      if (!checkpointer.truncate())
        throw new StoreFailure('store_locked', 'a reader keeps the log from being folded in');
      return Number(pageCount.get()?.['page_count']) * pageBytesOf(db);
    },
    close() {
      checkpointer.erased();
      checkpointer.rest('quiet');
      db.close();
      return null;
    },
  };

  function commit(requests: readonly Request[]): void {
    if (requests.length === 0) return;
    const replies = group.commit(requests);
    port.postMessage(replies);
    checkpointer.wrote(
      requests.length,
      requests.reduce((sum, request) => sum + weigh(request), 0),
    );
  }

  let reads: Handlers<HomeReads> | null = null;

  function aside([id, op, args]: Request): void {
    let reply: Reply;
    try {
      const table = op in asides ? asides : (reads ??= makeReads(db));
      const handler = table[op as keyof typeof table] as (args: unknown) => unknown;
      reply = [id, true, handler(args)];
    } catch (error) {
      reply = [id, false, failureOf(error)];
    }
    port.postMessage([reply]);
  }

  /** In the order in which they came; an aside sees all that came before it. */
  function run(requests: readonly Request[]): boolean {
    let waiting: Request[] = [];
    for (const request of requests) {
      const isAside = request[1] in asides || !(request[1] in changes);
      if (isAside || waiting.length >= MAX_GROUP) {
        commit(waiting);
        waiting = [];
      }
      if (!isAside) waiting.push(request);
      else aside(request);
      if (request[1] === 'close') return false;
    }
    commit(waiting);
    return true;
  }

  const inbox = new Inbox(port, posts);
  let crowded = false;
  let began = 0;

  /** What came first and all that came meanwhile, up to a group. */
  function gather(first: readonly Request[]): readonly Request[] {
    let requests = first;
    if (crowded && requests.every(([, op]) => op === 'release')) inbox.pause(WINDOW_MS - (performance.now() - began));
    while (requests.length < MAX_GROUP) {
      const more = inbox.take();
      if (more === null) break;
      requests = [...requests, ...more];
    }
    crowded = requests.length >= CROWD;
    began = performance.now();
    return requests;
  }

  function work(): void {
    let slept = false;
    for (;;) {
      let next = inbox.take();
      const wait = checkpointer.rest(next !== null ? 'busy' : slept ? 'quiet' : 'idle');
      next ??= inbox.next(wait ?? undefined);
      slept = next === null;
      if (next !== null && !run(gather(next))) return port.close();
    }
  }

  // A crash may have left a log that still holds what was erased. It is bounded, so this is no scan; a full disk must not keep us from opening.
  checkpointer.erased();
  checkpointer.rest('quiet');
  return work;
}

/** Characters of content, roughly. */
function weigh([, op, args]: Request): number {
  if (op === 'release') return (args as Release).steps.length;
  return op === 'append' ? charsOf(args as WireAppend) : 0;
}

function start(port: MessagePort): void {
  let work: () => void;
  try {
    work = open(port, workerData as WorkerStart);
  } catch (error) {
    const { setup } = workerData as WorkerStart;
    port.postMessage([[0, false, openingFailure(error, setup.path)]] satisfies Reply[]);
    port.close();
    return;
  }
  port.postMessage([[0, true, null]] satisfies Reply[]);
  giveBack();
  work();
}

if (parentPort !== null) start(parentPort);
