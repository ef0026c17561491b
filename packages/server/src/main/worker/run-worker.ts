/**
 * A worker: asks the server what there is to do, does it, and says what came of it. It opens connections and takes none. Two exchanges are
 * under way at most: one that waits for work, and one that tells.
 */
import { makeRequester } from '@perdure/client';
import {
  isPerdureError,
  WORKER_LIMITS,
  WORKER_PROTOCOL,
  type WorkerRequest,
  type WorkerResult,
  type WorkerSays,
  type WorkerTold,
  workerToldSchema,
} from '@perdure/protocol';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Workspace } from '../../engine/tools/ports.ts';
import type { Journal } from './journal.ts';
import { perform } from './perform.ts';
import { PrintedOutput } from './printed-output.ts';

/** From a failed exchange to the next; doubled each time, up to the second. ms */
const RETRY_MS = [200, 10_000] as const;
/** Output is gathered for so long before it is told, ms. */
const OUTPUT_MS = 50;
/** For an exchange beyond the time that it waits, ms. */
const MARGIN_MS = 20_000;

export interface WorkerOptions {
  readonly server: string;
  readonly token: string;
  readonly environment: string;
  readonly workspace: Workspace;
  /** Hosts that are asked at the server's word; none if absent. */
  readonly hosts?: readonly string[];
  /** What keeps commands in, as the server is told. */
  readonly isolation: string;
  readonly journal: Journal;
  /** For whoever started it. Never what commands print. */
  readonly note: (line: string) => void;
  readonly fetch?: typeof globalThis.fetch;
  /** How long one question stays open, ms. */
  readonly waitMs?: number;
}

/** Serves until `signal` aborts; then what runs is ended, and that is told. @throws PerdureError where trying again cannot help */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const worker = new Worker(options, signal);
  await worker.run();
}

class Worker {
  readonly #options: WorkerOptions;
  readonly #signal: AbortSignal;
  readonly #id = randomUUID();
  readonly #exchange: (says: Pick<WorkerSays, 'wait_ms' | 'leaving'>, telling: Telling) => Promise<WorkerTold>;
  readonly #running = new Map<string, AbortController>();
  /** Results that the server has not taken. */
  readonly #results = new Map<string, WorkerResult>();
  readonly #output = new PrintedOutput();
  #telling: Promise<void> | null = null;
  #connected = false;

  constructor(options: WorkerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { server, token, environment, isolation } = options;
    const request = makeRequester({
      base: server,
      apiKey: token,
      fetch: options.fetch ?? globalThis.fetch,
      timeoutMs: WORKER_LIMITS.waitMs + MARGIN_MS,
    });
    this.#exchange = ({ wait_ms, leaving }, { results, output }) => {
      const known = [...new Set([...this.#running.keys(), ...this.#results.keys()])];
      const protocol = WORKER_PROTOCOL;
      const body: WorkerSays = {
        protocol,
        worker: this.#id,
        isolation,
        does: ['http'],
        known,
        results,
        output,
        wait_ms,
        leaving,
      };
      const path = `/perdure/v1/environments/${encodeURIComponent(environment)}/worker`;
      // The last words are said though all else has ended.
      const ends = leaving ? null : signal;
      return request({ method: 'POST', path, query: {}, body, schema: workerToldSchema, accept: [200], signal: ends });
    };
  }

  async run(): Promise<void> {
    const waitMs = Math.min(this.#options.waitMs ?? WORKER_LIMITS.waitMs, WORKER_LIMITS.waitMs);
    for (let failures = 0; !this.#signal.aborted; ) {
      try {
        this.#take(await this.#exchange({ wait_ms: waitMs, leaving: false }, NOTHING));
        failures = 0;
        this.#say(true);
      } catch (error) {
        if (this.#signal.aborted) break;
        if (isFatal(error)) throw error;
        this.#say(false, error);
        await pause(delayOf(failures++), null, { signal: this.#signal }).catch(() => undefined);
      }
    }
    await this.#leave();
  }

  #say(connected: boolean, error?: unknown): void {
    if (this.#connected === connected && error === undefined) return;
    const { note, environment } = this.#options;
    if (connected) note(`connected: serving ${environment}`);
    else if (this.#connected || isConflict(error)) note(`not connected, trying again: ${messageOf(error)}`);
    this.#connected = connected;
  }

  #take({ requests, taken, cancel }: WorkerTold): void {
    for (const key of taken) this.#results.delete(key);
    for (const key of cancel) this.#running.get(key)?.abort();
    for (const request of requests) this.#begin(request);
  }

  #begin({ key, do: what }: WorkerRequest): void {
    if (this.#running.has(key) || this.#results.has(key)) return;
    const { journal, workspace, hosts = [] } = this.#options;
    // Reading changes nothing, and what is written whole is the same the second time.
    const once = what.op === 'exec' || what.op === 'http';
    const before = once ? journal.find(key) : undefined;
    if (before !== undefined) return this.#end(before === 'begun' ? unknownOutcome(key) : before);
    if (once) journal.begin(key);
    const stop = new AbortController();
    this.#running.set(key, stop);
    void perform(workspace, what, { key, signal: stop.signal, show: text => this.#show(key, text), hosts }).then(
      result => {
        // What a server answered is kept no longer than it takes to tell it.
        if (once) journal.end(what.op === 'http' ? unknownOutcome(key) : result);
        this.#running.delete(key);
        this.#end(result);
      },
    );
  }

  #end(result: WorkerResult): void {
    this.#results.set(result.key, result);
    this.#output.forget(result.key);
    this.#tell(0);
  }

  #show(key: string, text: string): void {
    this.#output.add(key, text);
    this.#tell(OUTPUT_MS);
  }

  /** Tells what there is to tell, until the server has taken it. */
  #tell(afterMs: number): void {
    this.#telling ??= this.#tellAll(afterMs).finally(() => {
      this.#telling = null;
      if (this.#results.size > 0 && !this.#signal.aborted) this.#tell(0);
    });
  }

  async #tellAll(afterMs: number): Promise<void> {
    if (afterMs > 0) await pause(afterMs);
    for (let failures = 0; (this.#results.size > 0 || !this.#output.empty) && !this.#signal.aborted; ) {
      const telling = this.#toTell();
      try {
        this.#take(await this.#exchange({ wait_ms: 0, leaving: false }, telling));
        failures = 0;
      } catch (error) {
        if (this.#signal.aborted || isFatal(error)) return;
        // It may have come: the server knows by its place.
        this.#output.restore(telling.output);
        await pause(delayOf(failures++), null, { signal: this.#signal }).catch(() => undefined);
      }
    }
  }

  #toTell(): Telling {
    return { output: this.#output.take(), results: [...this.#results.values()] };
  }

  async #leave(): Promise<void> {
    for (const stop of this.#running.values()) stop.abort();
    for (let left = 50; this.#running.size > 0 && left > 0; left--) await pause(100);
    await this.#telling?.catch(() => undefined);
    // If it is lost, the server finds out by itself a little later.
    await this.#exchange({ wait_ms: 0, leaving: true }, this.#toTell()).catch(() => undefined);
  }
}

type Telling = Pick<WorkerSays, 'results' | 'output'>;
const NOTHING: Telling = { results: [], output: [] };

function unknownOutcome(key: string): WorkerResult {
  const message = 'The worker ended while the command ran: what it did is not known, and it is not run again.';
  return { key, ok: false, code: 'outcome_unknown', message };
}

function delayOf(failures: number): number {
  const [least, most] = RETRY_MS;
  return Math.min(least * 2 ** failures, most) * (0.5 + Math.random() / 2);
}

const isConflict = (error: unknown): boolean => isPerdureError(error) && error.code === 'worker_already_connected';

/** Whether the same exchange would fail again. */
function isFatal(error: unknown): boolean {
  if (!isPerdureError(error) || isConflict(error)) return false;
  return error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
