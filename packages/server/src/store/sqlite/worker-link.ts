/**
 * The server's end of a worker: requests go out in the order in which they are made, the first at once and those of one tick in one message
 * while it is at work; each gets one answer. What waits is bounded: a store that does not answer must not fill the memory.
 */
import { Worker } from 'node:worker_threads';
import { Slots } from '../../kernel/slots.ts';
import { StoreMisuse, storeError } from '../store-error.ts';
import { wake } from './inbox.ts';
import type { ArgsOf, Reply, Request, ResultOf, WorkerSetup, WorkerStart } from './messages.ts';
import type { Failure } from './sqlite-failure.ts';

/** Requests without an answer. More are refused at once (`store_unavailable`): the store is far behind, and waiting would not help. */
export const MAX_WAITING = 10_000;

/** Bounds of a worker's heap; taken only as needed. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class WorkerLink<O> {
  readonly #worker: Worker;
  readonly #posts: WorkerStart['posts'] = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #waiting = new Slots<Waiting>();
  readonly #onDeath: (error: Error) => void;
  /** From its opening until it is asked to close: an end in between is a death. */
  #serves = false;
  #outgoing: Request[] = [];
  #dead: Error | null = null;

  private constructor(entry: 'writer' | 'reader', setup: WorkerSetup, onDeath: (error: Error) => void) {
    this.#onDeath = onDeath;
    // From source the worker is run from source, too; from the built package it is JavaScript.
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    this.#worker = new Worker(new URL(`./${entry}${extension}`, import.meta.url), {
      workerData: { setup, posts: this.#posts } satisfies WorkerStart,
      resourceLimits: RESOURCE_LIMITS,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // Seen in reports of the process.
      name: `store-${entry}`,
    });
    this.#worker.on('message', (replies: readonly Reply[]) => this.#answer(replies));
    this.#worker.on('error', error => this.#fail(error));
    this.#worker.on('exit', code => this.#fail(new Error(`the store's ${entry} ended (${code})`)));
    this.#ref();
  }

  /**
   * @param onDeath called once if the opened worker ends by itself
   * @throws StoreError if the worker cannot open the file
   */
  static async open<O>(
    entry: 'writer' | 'reader',
    setup: WorkerSetup,
    onDeath: (error: Error) => void = () => undefined,
  ): Promise<WorkerLink<O>> {
    const link = new WorkerLink<O>(entry, setup, onDeath);
    // The first to wait: number 0, which is what a worker that has opened its file answers.
    await new Promise((resolve, reject) => link.#wait({ resolve, reject }));
    link.#serves = true;
    return link;
  }

  call<K extends keyof O & string>(op: K, args: ArgsOf<O, K>): Promise<ResultOf<O, K>> {
    if (this.#dead !== null) return Promise.reject(unavailable(this.#dead));
    if (this.#waiting.size >= MAX_WAITING)
      return Promise.reject(storeError('store_unavailable', `${MAX_WAITING} requests wait for the store`));
    if (op === 'close') this.#serves = false;
    return new Promise((resolve, reject) => {
      // The worker's answer is of the type that the operation's name stands for: both sides are typed by the same table.
      const id = this.#wait({ resolve, reject });
      this.#outgoing.push([id, op, args]);
      // A worker with nothing to do begins at once; one that is busy takes all of this turn of the event loop together.
      if (this.#waiting.size === 1) this.#flush();
      else if (this.#outgoing.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Ends the worker, whatever it is at; what waits fails. */
  async terminate(): Promise<void> {
    this.#die(new Error('the store is closed'));
    await this.#worker.terminate();
  }

  #flush(): void {
    const requests = this.#outgoing;
    this.#outgoing = [];
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
      this.#worker.postMessage(requests);
      wake(this.#posts);
    } catch (error) {
      // Something that cannot be cloned: a defect of a caller. None of them was sent.
      for (const [id] of requests)
        this.#settle(id)?.reject(new StoreMisuse('a request could not be sent', { cause: error }));
    }
  }

  #answer(replies: readonly Reply[]): void {
    for (const reply of replies) {
      const waiting = this.#settle(reply[0]);
      if (reply[1]) waiting?.resolve(reply[2]);
      else waiting?.reject(errorOf(reply[2]));
    }
  }

  #wait(waiting: Waiting): number {
    const id = this.#waiting.add(waiting);
    this.#ref();
    return id;
  }

  #settle(id: number): Waiting | null {
    const waiting = this.#waiting.take(id);
    this.#ref();
    return waiting;
  }

  /** Only an unanswered request keeps the process alive. */
  #ref(): void {
    if (this.#waiting.size === 0) this.#worker.unref();
    else if (this.#waiting.size === 1) this.#worker.ref();
  }

  /** The worker ended, and nobody asked it to. */
  #fail(error: Error): void {
    const first = this.#dead === null;
    this.#die(error);
    if (first && this.#serves) this.#onDeath(error);
  }

  #die(error: Error): void {
    this.#dead ??= error;
    const lost = [...this.#waiting];
    this.#waiting = new Slots();
    this.#worker.unref();
    for (const { reject } of lost) reject(unavailable(this.#dead));
  }
}

function errorOf({ code, message }: Failure): Error {
  return code === 'store_misuse' ? new StoreMisuse(message) : storeError(code, message);
}

function unavailable(cause: Error): Error {
  return storeError('store_unavailable', cause.message, { cause });
}
