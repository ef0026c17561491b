/** The thread that seals the logs of all homes: it reads the stores itself, so the server's thread has no part in it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type LedgerPlace, type OpenLog, openLogs } from './place.ts';

export interface LedgerWorkerStart {
  readonly place: LedgerPlace;
  readonly intervalMs: number;
}

/** From the thread: what went wrong, or that it has ended. */
export type FromLedger = { readonly fault: string } | { readonly ended: true };

/** Waits before what failed is tried again: at most this long, ms. */
const RETRY_MOST_MS = 60_000;

const port = parentPort;
if (port !== null) {
  const { place, intervalMs } = workerData as LedgerWorkerStart;
  let closing = false;
  let wake: () => void = () => undefined;
  port.on('message', () => {
    closing = true;
    wake();
  });
  const say = (said: FromLedger): void => port.postMessage(said);
  const rest = (ms: number): Promise<void> =>
    new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  let logs: readonly OpenLog[] = [];
  let failures = 0;
  let last = '';
  for (;;) {
    // What is asked to close while a pass is under way still makes one more: it may have read before the last commit.
    const final = closing;
    try {
      if (logs.length === 0) logs = await openLogs(place);
      for (const { sealer } of logs) while ((await sealer.seal()).more);
      failures = 0;
      last = '';
    } catch (error) {
      failures += 1;
      const fault = error instanceof Error ? error.message : String(error);
      if (fault !== last) say({ fault });
      last = fault;
    }
    if (final) break;
    if (!closing) await rest(Math.min(RETRY_MOST_MS, intervalMs * 2 ** Math.min(failures, 10)));
  }
  for (const { source } of logs) source.close();
  say({ ended: true });
  port.close();
}
