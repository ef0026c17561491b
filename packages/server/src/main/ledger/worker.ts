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
  const told = new Map<string, string>();
  /** @returns whether it went well. A fault is told once, until it is another or over. */
  const attempt = async (what: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      told.delete(what);
      return true;
    } catch (error) {
      const fault = `${what}: ${error instanceof Error ? error.message : String(error)}`;
      if (told.get(what) !== fault) say({ fault });
      told.set(what, fault);
      return false;
    }
  };
  for (;;) {
    // What is asked to close while a pass is under way still makes one more: it may have read before the last commit.
    const final = closing;
    let well = true;
    if (logs.length === 0)
      well = await attempt('ledger', async () => {
        logs = await openLogs(place);
      });
    for (const { home, sealer } of logs)
      well =
        (await attempt(`ledger of ${home}`, async () => {
          while ((await sealer.seal()).more);
        })) && well;
    failures = well ? 0 : failures + 1;
    if (final) break;
    if (!closing) await rest(Math.min(RETRY_MOST_MS, intervalMs * 2 ** Math.min(failures, 10)));
  }
  for (const { source } of logs) source.close();
  say({ ended: true });
  port.close();
}
