/**
 * The link to the worker of one environment: what it is asked to do, and what it has said. In memory alone: a worker that finds another
 * process here is asked anew, and does nothing twice, for it knows keys.
 *
 * K1  A request that a worker does not know is told to it again; one that it knows is not.
 * K2  A result is taken from it once it was handed to whoever waits, or if nobody waits any more.
 * K3  One worker at a time: another is refused until the first has been silent for the grace.
 */
import {
  ERRORS,
  isErrorCode,
  perdureError,
  WORKER_LIMITS,
  type WorkerDo,
  type WorkerRequest,
  type WorkerResult,
  type WorkerSays,
  type WorkerTold,
} from '@perdure/protocol';
import type { JsonObject } from '../../log/events.ts';
import type { Clock } from '../ports.ts';

export interface LinkLimits {
  readonly workerGraceMs: number;
  readonly workerWaitMs: number;
}

export interface Ask {
  readonly key: string;
  readonly do: WorkerDo;
  /** For how long its answer is waited for once a worker has it, ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | null;
  readonly show: (text: string) => void;
}

interface Pending {
  readonly ask: Ask;
  /** Whether a worker may have it. */
  delivered: boolean;
  /** Characters of it that were shown, or are missing. */
  shown: number;
  settle(result: WorkerResult): void;
}

/** A question that is open; ends it. */
type Waiting = () => void;

export class WorkerLink {
  readonly #clock: Clock;
  readonly #limits: LinkLimits;
  readonly #onState: (connected: boolean) => void;
  readonly #pending = new Map<string, Pending>();
  /** Told to be ended, and not known to have ended. */
  readonly #cancelled = new Set<string>();
  #worker: string | null = null;
  #isolation: string | null = null;
  #does: readonly string[] = [];
  #seenAt = 0;
  #waiting: Waiting | null = null;
  #silence: NodeJS.Timeout | null = null;
  /** Exchanges whose request or answer is on its way: a large one takes its time. */
  #open = 0;

  constructor(clock: Clock, limits: LinkLimits, onState: (connected: boolean) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onState = onState;
  }

  get connected(): boolean {
    return this.#worker !== null;
  }

  /** What keeps commands in at the worker; null if none is connected. */
  get isolation(): string | null {
    return this.#isolation;
  }

  /** What it can do beside what every worker can. */
  get does(): readonly string[] {
    return this.#does;
  }

  /** Whether nothing is lost if it is forgotten. */
  get idle(): boolean {
    return this.#worker === null && this.#pending.size === 0;
  }

  /**
   * What the worker says was done.
   * @throws environment_disconnected, rate_limit_exceeded, or what the worker says went wrong
   */
  async ask(ask: Ask): Promise<JsonObject> {
    if (!this.connected) throw perdureError('environment_disconnected');
    if (this.#pending.has(ask.key)) throw perdureError('record_changed', 'This call runs already.');
    if (this.#pending.size >= WORKER_LIMITS.requests)
      throw perdureError('rate_limit_exceeded', 'The environment has as much to do as it may.', { retryAfterMs: 1000 });
    const result = await this.#answer(ask);
    if (result.ok) return result.value;
    const { code, message } = result;
    // What a workspace refuses it refuses here too; anything else is the worker's own trouble.
    if (isErrorCode(code) && ERRORS[code].status < 500) throw perdureError(code, message);
    throw perdureError('environment_disconnected', message, { details: { worker_code: code } });
  }

  #answer(ask: Ask): Promise<WorkerResult> {
    return new Promise((resolve, reject) => {
      const { key, signal } = ask;
      const end = (): void => {
        clearTimeout(late);
        signal?.removeEventListener('abort', abort);
        this.#pending.delete(key);
      };
      const pending: Pending = {
        ask,
        delivered: false,
        shown: 0,
        settle: result => {
          end();
          resolve(result);
        },
      };
      const abort = (): void => {
        // The worker says how it ended. One that never had it need not be asked.
        if (!pending.delivered) return pending.settle({ key, ok: true, value: ABORTED });
        this.#cancelled.add(key);
        this.#wake();
      };
      const late = setTimeout(() => {
        end();
        if (pending.delivered) this.#cancelled.add(key);
        const message = pending.delivered
          ? 'The worker was given the request and did not say what became of it.'
          : 'No worker took the request.';
        reject(perdureError('environment_disconnected', message, { details: { delivered: pending.delivered } }));
      }, ask.timeoutMs + this.#limits.workerWaitMs).unref();
      signal?.addEventListener('abort', abort, { once: true });
      this.#pending.set(key, pending);
      if (signal?.aborted === true) abort();
      else this.#wake();
    });
  }

  /** An exchange has begun to arrive: until it has ended, the worker is not silent. @returns what ends it, once */
  arrive(): () => void {
    this.#open += 1;
    return () => {
      this.#open -= 1;
      if (this.#worker !== null) this.#seen();
    };
  }

  /**
   * One exchange with a worker.
   * @param left aborts when its connection has gone
   * @throws worker_already_connected
   */
  async exchange(says: WorkerSays, left: AbortSignal): Promise<WorkerTold> {
    this.#admit(says);
    for (const { key, text, at } of says.output) this.#show(key, text, at ?? null);
    for (const result of says.results) {
      this.#cancelled.delete(result.key);
      this.#pending.get(result.key)?.settle(result);
    }
    const taken = says.results.map(({ key }) => key);
    if (says.leaving) {
      this.#gone();
      return { object: 'perdure.worker', requests: [], taken, cancel: [] };
    }
    const known = new Set(says.known);
    const nothing = taken.length === 0 && this.#todo(known).length === 0 && this.#ended(known).length === 0;
    if (nothing && says.wait_ms > 0) await this.#wait(says.wait_ms, left);
    this.#seen();
    // Nobody is there to be told: what was to do is told to the next question.
    const requests = left.aborted || says.wait_ms === 0 ? [] : this.#todo(known);
    for (const { key } of requests) {
      const pending = this.#pending.get(key);
      if (pending !== undefined) pending.delivered = true;
    }
    return { object: 'perdure.worker', requests, taken, cancel: this.#ended(known) };
  }

  /** What the worker was told is taken to have been lost: its environment went. */
  close(): void {
    const message = 'The environment is there no more.';
    for (const pending of this.#pending.values())
      pending.settle({ key: pending.ask.key, ok: false, code: 'environment_closed', message });
    this.#gone();
  }

  #admit({ worker, isolation, does = [] }: WorkerSays): void {
    if (this.#worker !== null && this.#worker !== worker) throw perdureError('worker_already_connected');
    const came = this.#worker === null;
    this.#worker = worker;
    this.#isolation = isolation;
    this.#does = does;
    this.#seen();
    if (came) this.#onState(true);
  }

  /** Each character once, though it is told again; what never came is said to be missing. */
  #show(key: string, text: string, at: number | null): void {
    const pending = this.#pending.get(key);
    if (pending === undefined || pending.shown >= WORKER_LIMITS.outputChars) return;
    const missing = at === null ? 0 : at - pending.shown;
    const fresh = missing < 0 ? text.slice(-missing) : text;
    if (fresh === '') return;
    pending.shown = (at ?? pending.shown) + text.length;
    if (missing > 0) pending.ask.show(`\n[... ${missing} characters left out ...]\n`);
    pending.ask.show(fresh);
  }

  #todo(known: ReadonlySet<string>): WorkerRequest[] {
    return [...this.#pending.values()]
      .filter(({ ask }) => !known.has(ask.key) && !this.#cancelled.has(ask.key))
      .map(({ ask }) => ({ key: ask.key, do: ask.do }));
  }

  #ended(known: ReadonlySet<string>): string[] {
    for (const key of this.#cancelled) if (!known.has(key) && !this.#pending.has(key)) this.#cancelled.delete(key);
    return [...this.#cancelled].filter(key => known.has(key));
  }

  async #wait(ms: number, left: AbortSignal): Promise<void> {
    this.#waiting?.();
    await new Promise<void>(resolve => {
      const end: Waiting = () => {
        clearTimeout(timer);
        left.removeEventListener('abort', end);
        if (this.#waiting === end) this.#waiting = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      left.addEventListener('abort', end, { once: true });
      this.#waiting = end;
      if (left.aborted) end();
    });
  }

  #wake(): void {
    this.#waiting?.();
  }

  /** It was heard of now; if it is not heard of again in time, it is gone. */
  #seen(): void {
    this.#seenAt = this.#clock.monotonic();
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#silent(), this.#limits.workerGraceMs).unref();
  }

  #silent(): void {
    this.#silence = null;
    if (this.#waiting !== null || this.#open > 0) return this.#seen();
    const still = this.#clock.monotonic() - this.#seenAt;
    if (still < this.#limits.workerGraceMs)
      this.#silence = setTimeout(() => this.#silent(), this.#limits.workerGraceMs - still).unref();
    else this.#gone();
  }

  #gone(): void {
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = null;
    this.#waiting?.();
    if (this.#worker === null) return;
    this.#worker = null;
    this.#isolation = null;
    this.#onState(false);
  }
}

const ABORTED: JsonObject = { exit_code: null, ended: 'aborted', output: '', duration_ms: 0, refused_hosts: [] };
