/** The writer's thread of one home. It alone writes the file. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { makeCheckpointer } from './checkpoint.ts';
import { openForWriting, PAGE_BYTES } from './connection.ts';
import { makeControlHandlers } from './control-sql.ts';
import { makeGroupCommit } from './group-commit.ts';
import { makeLogHandlers } from './log-sql.ts';
import type { Handlers, Reply, Request, WorkerSetup, WriterAsides } from './messages.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './schema.ts';
import { failureOf, StoreFailure } from './sqlite-failure.ts';
import { WriterMemory } from './writer-memory.ts';

/** Changes of one commit: bounds how long the first of them waits. */
const MAX_GROUP = 512;
/** Erasures that a reader kept from being scrubbed are tried again after so many ms. */
const SCRUB_RETRY_MS = 250;

function serve(port: MessagePort, setup: WorkerSetup): void {
  const db = openForWriting(setup);
  migrate(db, MIGRATIONS, setup);

  const checkpointer = makeCheckpointer(db);
  const memory = new WriterMemory(db);
  const log = makeLogHandlers(db, memory, () => checkpointer.erased());
  const changes = { ...log, ...makeControlHandlers(db) };
  const group = makeGroupCommit(db, changes, memory);
  const pageCount = db.prepare('PRAGMA page_count');

  const asides: Handlers<WriterAsides> = {
    journal: log.journal,
    size() {
      if (!checkpointer.truncate())
        throw new StoreFailure('store_locked', 'a reader keeps the log from being folded in');
      return Number(pageCount.get()?.['page_count']) * PAGE_BYTES;
    },
    close() {
      checkpointer.erased();
      checkpointer.rest(true);
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

  function aside([id, op, args]: Request): void {
    let reply: Reply;
    try {
      const handler = asides[op as keyof WriterAsides] as (args: unknown) => unknown;
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
      const isAside = request[1] in asides;
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

  let retry: ReturnType<typeof setTimeout> | undefined;
  function rest(idle: boolean): void {
    clearTimeout(retry);
    if (!checkpointer.rest(idle)) retry = setTimeout(rest, SCRUB_RETRY_MS, true);
  }

  function awake(first: readonly Request[]): void {
    for (let next: readonly Request[] | null = first; next !== null; ) {
      const requests: Request[] = [...next];
      while (requests.length < MAX_GROUP) {
        const more = take(port);
        if (more === null) break;
        requests.push(...more);
      }
      if (!run(requests)) {
        clearTimeout(retry);
        port.close();
        return;
      }
      next = take(port);
      rest(next === null);
    }
  }

  // A crash may have left a log that still holds what was erased. It is bounded, so this is no scan; a full disk must not keep us from opening.
  checkpointer.erased();
  rest(true);
  port.on('message', awake);
  port.postMessage([[0, true, null]] satisfies Reply[]);
}

function take(port: MessagePort): readonly Request[] | null {
  return (receiveMessageOnPort(port)?.message as readonly Request[] | undefined) ?? null;
}

/** Characters of content, roughly. */
function weigh([, op, args]: Request): number {
  if (op === 'release') return (args as { steps: string }).steps.length;
  if (op !== 'append') return 0;
  let chars = 0;
  for (const event of (args as { events: readonly (readonly unknown[])[] }).events) {
    const payload = event[7];
    if (typeof payload === 'string') chars += payload.length;
  }
  return chars;
}

const port = parentPort;
if (port !== null) {
  try {
    serve(port, workerData as WorkerSetup);
  } catch (error) {
    port.postMessage([[0, false, failureOf(error)]] satisfies Reply[]);
    port.close();
  }
}
