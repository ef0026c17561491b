/** The reader's thread of one home: one query at a time, each in a transaction of its own, so that it sees every commit that was answered. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { check } from './check-sql.ts';
import { openForReading } from './connection.ts';
import { Inbox } from './inbox.ts';
import type { Handlers, ReaderOps, Reply, Request, WorkerSetup, WorkerStart } from './messages.ts';
import { makeReads } from './reads.ts';
import { failureOf, openingFailure, StoreFailure } from './sqlite-failure.ts';

function serve(port: MessagePort, { setup, posts }: WorkerStart): void {
  let reads: Handlers<ReaderOps> | null = null;

  function answer([id, op, args]: Request): Reply {
    try {
      // Opened by the first request: the thread starts while the writer's still makes or migrates the file.
      reads ??= open(setup);
      const handler = reads[op as keyof ReaderOps] as (args: unknown) => unknown;
      return [id, true, handler(args)];
    } catch (error) {
      return [id, false, failureOf(error)];
    }
  }

  const inbox = new Inbox(port, posts);
  port.postMessage([[0, true, null]] satisfies Reply[]);
  for (;;) {
    for (const request of inbox.next() ?? []) {
      port.postMessage([answer(request)]);
      if (request[1] !== 'close') continue;
      port.close();
      return;
    }
  }
}

function open(setup: WorkerSetup): Handlers<ReaderOps> {
  let db: ReturnType<typeof openForReading>;
  try {
    db = openForReading(setup);
  } catch (error) {
    const { code, message } = openingFailure(error, setup.path);
    throw new StoreFailure(code, message);
  }
  return {
    ...makeReads(db),
    check: () => check(db),
    close() {
      db.close();
      return null;
    },
  };
}

const port = parentPort;
if (port !== null) serve(port, workerData as WorkerStart);
