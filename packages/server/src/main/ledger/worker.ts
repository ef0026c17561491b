/** The thread that seals the logs of all homes: it reads the stores itself, so the server's thread has no part in it. */
import { platform, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { ledgerMark } from './mark.ts';
import { currentKey, type LedgerPlace, type OpenLog, openLog } from './place.ts';
import { type KeyFor, keyStamp } from './signing-key.ts';

export interface LedgerWorkerStart {
  readonly place: LedgerPlace;
  readonly intervalMs: number;
  /** How long it stays after it sealed something, ms; one that found nothing to seal goes at once. By default 10,000. */
  readonly lingerMs?: number;
}

/** From the thread: what went wrong, or that it ends since there is nothing to seal, and how the files were when it last read them. */
export type FromLedger = { readonly fault: string } | { readonly rested: string };

/** To begin a thread costs some 0.1 s of processor time: one that has work now and then stays. */
const LINGER_MS = 10_000;

/** Waits before what failed is tried again: at most this long, ms. */
const RETRY_MOST_MS = 60_000;

/** How much the thread stands back for those that answer requests. */
const NICENESS = 5;

const port = parentPort;
if (port !== null) {
  standBack();
  const { place, intervalMs, lingerMs = LINGER_MS } = workerData as LedgerWorkerStart;
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

  let keys: { readonly keyFor: KeyFor; readonly stamp: string } | null = null;
  const logs = new Map<string, OpenLog>();
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
  const sealHome = async (home: string): Promise<void> => {
    if (keys === null) return;
    const log = logs.get(home) ?? (await openLog(place, home, keys.keyFor));
    logs.set(home, log);
    for (let more = true; more; ) {
      const sealed = await log.sealer.seal();
      if (sealed.leaves > 0) sealedAt = performance.now();
      more = sealed.more;
    }
  };
  let sealedAt = Number.NEGATIVE_INFINITY;
  let before: string | null = null;
  for (;;) {
    // What is asked to close while a pass is under way still makes one more: it may have read before the last commit.
    const final = closing;
    // Before it reads: what is committed after this makes another mark.
    const mark = await ledgerMark(place);
    let well = await attempt('ledger', async () => {
      // A key that was replaced meanwhile, as by a rotation of another data folder that shares the file, is looked at as at a start:
      // a log that it has not taken over is not gone on with.
      if (keys !== null && keys.stamp === keyStamp(place.key)) return;
      keys = null;
      for (const log of logs.values()) log.close();
      logs.clear();
      keys = { keyFor: await currentKey(place), stamp: keyStamp(place.key) };
    });
    // Each for itself: a log that is damaged keeps no other from being sealed.
    for (const home of place.homes) well = (await attempt(`ledger of ${home}`, () => sealHome(home))) && well;
    failures = well ? 0 : failures + 1;
    if (final) break;
    // Unchanged since the last pass: then the next change has another time, however coarse the file system's clock is.
    if (well && mark === before && performance.now() - sealedAt >= lingerMs) {
      say({ rested: mark });
      break;
    }
    before = well ? mark : null;
    if (!closing) await rest(Math.min(RETRY_MOST_MS, intervalMs * 2 ** Math.min(failures, 10)));
  }
  for (const log of logs.values()) log.close();
  port.close();
}

/** On Linux it is the calling thread whose priority is set; elsewhere it would be the whole server's. */
function standBack(): void {
  if (platform() !== 'linux') return;
  try {
    setPriority(0, NICENESS);
  } catch {
    // Where that is not allowed, sealing is as urgent as the rest.
  }
}
