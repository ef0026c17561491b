/** The server's end of the threads that choose what large compactions keep. A server that compacts nothing large has none. */
import { Worker } from 'node:worker_threads';
import type { SelectApart } from '../../engine/compaction/options.ts';
import type { LoggedItem } from '../../log/events.ts';
import type { Selection, SelectionOptions } from '../../session/compaction/select.ts';

export interface SelectTask {
  readonly items: readonly LoggedItem[];
  readonly options: SelectionOptions;
}

/** Threads at once; who comes later waits. */
export const MAX_THREADS = 2;
/** ms for one compaction, the wait for its turn included. */
const SELECT_MS = 30_000;
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 32 };

/** @param run one task in a thread of its own; rejects once `signal` aborts */
export function makeSelectApart(
  run: (task: SelectTask, signal: AbortSignal) => Promise<Selection> = runInThread,
): SelectApart {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (items, options) => {
    const signal = AbortSignal.timeout(SELECT_MS);
    if (running < MAX_THREADS) running += 1;
    else await new Promise<void>(resolve => void waiting.push(resolve));
    try {
      return await run({ items, options }, signal);
    } finally {
      const next = waiting.shift();
      // The place is handed on, or given back.
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

async function runInThread(task: SelectTask, signal: AbortSignal): Promise<Selection> {
  signal.throwIfAborted();
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const worker = new Worker(new URL(`./worker${extension}`, import.meta.url), {
    name: 'compaction',
    workerData: task,
    resourceLimits: RESOURCE_LIMITS,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  worker.unref();
  const ended = new AbortController();
  try {
    return await new Promise<Selection>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error(`nothing was selected in ${SELECT_MS} ms`)), {
        once: true,
        signal: ended.signal,
      });
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('the thread that selects what a compaction keeps ended')));
    });
  } finally {
    ended.abort();
    void worker.terminate();
  }
}
