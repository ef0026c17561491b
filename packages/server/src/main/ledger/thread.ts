/** The server's end of the thread that seals. */
import { Worker } from 'node:worker_threads';
import type { FromLedger, LedgerWorkerStart } from './worker.ts';

export interface LedgerThread {
  /** Seals what is left, and ends; after `ms` it is ended. What was not sealed is by the next process. */
  close(ms: number): Promise<void>;
}

/** Bounds of its heap; taken only as needed. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 };

/** @param onFault told once for each fault that is new; sealing is tried again */
export function startLedgerThread(start: LedgerWorkerStart, onFault: (fault: string) => void): LedgerThread {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const worker = new Worker(new URL(`./worker${extension}`, import.meta.url), {
    workerData: start,
    resourceLimits: RESOURCE_LIMITS,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const ended = new Promise<void>(resolve => {
    worker.once('exit', () => resolve());
  });
  worker.on('message', (said: FromLedger) => {
    if ('fault' in said) onFault(said.fault);
  });
  worker.on('error', error => onFault(error.message));
  worker.unref();
  return {
    async close(ms) {
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
      worker.postMessage('close');
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([ended, new Promise(resolve => (timer = setTimeout(resolve, ms)))]);
      clearTimeout(timer);
      await worker.terminate();
    },
  };
}
