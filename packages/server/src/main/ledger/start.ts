/** Starts the ledger of a server: its key is read now, its thread begins with the first pass. */
import { join } from 'node:path';
import type { LedgerView } from '../../http/types.ts';
import type { Config } from '../config/config.ts';
import type { LedgerPlace } from './place.ts';
import { makeLedgerView, witnessesOf } from './served.ts';
import { followSigningKey } from './signing-key.ts';
import { type LedgerThread, startLedgerThread } from './thread.ts';

export interface RunningLedger {
  readonly view: LedgerView;
  /** Seals what is left. */
  close(): Promise<void>;
}

/** How long the last pass may take, ms. What is left over is sealed by the next process. */
const CLOSE_MS = 5000;

export function placeOf(config: Pick<Config, 'data' | 'homes' | 'ledger'>): LedgerPlace {
  const { data, homes, ledger } = config;
  return { data, homes: homes.map(({ id }) => id), key: ledger.key ?? join(data, 'ledger.key'), origin: ledger.origin };
}

/** @throws if the key or a witness is none */
export function startLedger(config: Config, log: (line: string) => void): RunningLedger {
  const { intervalMs } = config.ledger;
  const place = placeOf(config);
  const keys = followSigningKey(place.key);
  const view = makeLedgerView(place, keys, {
    public: config.ledger.public,
    witnesses: witnessesOf(config.ledger.witnesses),
  });
  let thread: LedgerThread | null = null;
  // A server that lives shorter than one interval does not begin a thread for it.
  const first = setTimeout(() => {
    thread = startLedgerThread({ place, intervalMs }, log);
  }, intervalMs);
  first.unref();
  return {
    view,
    async close() {
      clearTimeout(first);
      await thread?.close(CLOSE_MS);
    },
  };
}
