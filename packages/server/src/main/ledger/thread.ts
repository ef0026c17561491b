/** The server's end of the thread that seals. There is one only while there is something to seal: a thread takes some 12 MB. */
import { Worker } from 'node:worker_threads';
import { ledgerMark } from './mark.ts';
import type { FromLedger, LedgerWorkerStart } from './worker.ts';

export interface LedgerThread {
  /** Seals what is left, and ends; after `ms` it is ended. What was not sealed is by the next process. */
  close(ms: number): Promise<void>;
  /** Whether there is a thread. */
  readonly awake: boolean;
}

/** Bounds of its heap; taken only as needed. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 };

/** @param onFault told once for each fault that is new; sealing is tried again */
export function startLedgerThread(start: LedgerWorkerStart, onFault: (fault: string) => void): LedgerThread {
  let worker: Worker | null = null;
  let ended: Promise<void> = Promise.resolve();
  /** Of the files when the thread last read them; null while there is a thread. */
  let rested: string | null = null;
  let looking: Promise<void> | null = null;
  let closing = false;

  function begin(): void {
    rested = null;
    const begun = new Worker(entryOf('worker'), {
      workerData: start,
      resourceLimits: RESOURCE_LIMITS,
      name: 'ledger',
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    worker = begun;
    ended = new Promise(resolve => {
      begun.once('exit', () => {
        if (worker === begun) worker = null;
        resolve();
      });
    });
    begun.on('message', (said: FromLedger) => {
      if ('fault' in said) onFault(said.fault);
      if ('rested' in said) rested = said.rested;
    });
    begun.on('error', error => onFault(error.message));
    begun.unref();
  }

  /** Begins the thread anew if it rests and a file is not as it was. */
  async function look(): Promise<void> {
    if (worker === null && rested !== null && (await ledgerMark(start.place)) !== rested) begin();
  }

  begin();
  const timer = setInterval(() => {
    if (closing) return;
    looking ??= look().finally(() => (looking = null));
  }, start.intervalMs);
  timer.unref();

  async function finish(): Promise<void> {
    await looking;
    closing = true;
    // One that has just gone to rest has not seen what was committed since.
    for (let more = true; more; more = worker !== null) {
      if (worker !== null) {
        worker.ref();
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
        worker.postMessage('close');
        await ended;
      }
      await look();
    }
  }

  return {
    get awake() {
      return worker !== null;
    },
    async close(ms) {
      clearInterval(timer);
      let late: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([finish(), new Promise(resolve => (late = setTimeout(resolve, ms)))]);
      clearTimeout(late);
      await worker?.terminate();
    },
  };
}

/** From source the worker is run from source, too; from the built package it is JavaScript. */
function entryOf(name: string): URL {
  return new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
