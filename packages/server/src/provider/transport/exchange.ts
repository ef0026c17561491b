/**
 * One request to an upstream and its answer, at the level of undici's handler: bytes out, chunks in.
 *
 * X1  Every wait has a deadline: to the first byte, then between reads. A reader that does not read is not a wait.
 * X2  While nobody reads, at most `HIGH_WATER` bytes and one read of the socket are held; then the socket is paused.
 * X3  It ends once, whatever happens: then the timer, the abort listener and the place at the gate are gone, and the socket is either
 *     back in the pool or destroyed.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ProviderError } from '../../engine/ports.ts';
import type { ProviderLimits } from '../limits.ts';
import { aborted, interrupted, providerError, unsent } from '../provider-error.ts';
import type { Origin } from './connections.ts';
import { httpFailure } from './http-failure.ts';
import { requestIdOf } from './request-id.ts';

/** Bytes queued for the reader at which the socket is paused. */
export const HIGH_WATER: number = 64 * 1024;
/** Bytes of an error's body that are read. */
export const MAX_ERROR_BYTES: number = 64 * 1024;
/** What may still come after the last event before the connection is given up instead of kept. */
export const DRAIN_BYTES: number = 16 * 1024;
const DRAIN_MS = 1_000;

export type AnswerType = 'text/event-stream' | 'application/json';

export interface UpstreamRequest {
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Buffer;
  readonly signal: AbortSignal;
  /** The media type that the answer must have. */
  readonly accept: AnswerType;
  /** Never shown: an upstream's message that holds it is dropped. */
  readonly secret: string | null;
}

const ANSWERS: { readonly [type in AnswerType]: string } = {
  'text/event-stream': 'a stream of events',
  'application/json': 'JSON',
};

export interface Waiter<T> {
  resolve(value: T): void;
  reject(error: ProviderError): void;
}

/** `refused`: an HTTP error's body is being read. `draining`: all that was wanted has come. */
type Phase = 'opening' | 'refused' | 'streaming' | 'draining' | 'over';

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #limits: ProviderLimits;
  readonly #request: UpstreamRequest;
  readonly #onAbort = () => this.#fail(aborted());
  readonly #onExpired = () => this.#expired();
  #phase: Phase = 'opening';
  #controller: Dispatcher.DispatchController | null = null;
  #leave: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #opened: Waiter<void> | null = null;
  #reading: Waiter<Buffer[] | null> | null = null;
  #chunks: Buffer[] = [];
  #queued = 0;
  #received = 0;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #failure: ProviderError | null = null;
  /** Set before undici knows of the request: then it is aborted as soon as it does. */
  #unwanted = false;

  constructor(request: UpstreamRequest, limits: ProviderLimits) {
    this.#request = request;
    this.#limits = limits;
  }

  get requestId(): string | null {
    return requestIdOf(this.#headers);
  }

  /** Sends the request; resolves at the first byte of a successful answer's body. @throws ProviderError */
  open(origin: Origin): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opened = { resolve, reject };
      const { signal, path, headers, body } = this.#request;
      if (signal.aborted) return this.#fail(aborted());
      signal.addEventListener('abort', this.#onAbort, { once: true });
      this.#timer = setTimeout(this.#onExpired, this.#limits.firstByteMs);
      const leave = origin.gate.enter(() => {
        origin.pool.dispatch({ method: 'POST', path, headers, body }, this);
      });
      if (leave === null)
        return this.#fail(unreachable('Too many calls to this model provider wait for a connection.'));
      if (this.#phase === 'over') leave();
      else this.#leave = leave;
    });
  }

  /** What has come since the last read, at least one chunk; null after a clean end. One read at a time. @throws ProviderError */
  read(): Promise<Buffer[] | null> {
    return new Promise((resolve, reject) => this.readTo({ resolve, reject }));
  }

  /** The same, without a promise: the waiter is told, maybe at once. */
  readTo(waiter: Waiter<Buffer[] | null>): void {
    // Also when all of the answer has come: who aborted gets nothing more.
    if (this.#request.signal.aborted) return waiter.reject(aborted());
    if (this.#chunks.length > 0) return waiter.resolve(this.#take());
    if (this.#failure !== null) return waiter.reject(this.#failure);
    if (this.#phase === 'over') return waiter.resolve(null);
    this.#reading = waiter;
    if (this.#timer === null) this.#timer = setTimeout(this.#onExpired, this.#limits.idleMs);
    else this.#timer.refresh();
  }

  #take(): Buffer[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#queued = 0;
    this.#controller?.resume();
    return chunks;
  }

  /** Nothing more is wanted, and the answer is complete: what little still comes is dropped, so that the connection is kept. */
  drain(): void {
    if (this.#phase !== 'streaming') return;
    this.#phase = 'draining';
    this.#chunks = [];
    this.#queued = 0;
    this.#received = 0;
    this.#request.signal.removeEventListener('abort', this.#onAbort);
    this.#disarm();
    this.#timer = setTimeout(() => this.destroy(), DRAIN_MS).unref();
    this.#controller?.resume();
  }

  /** Ends it now, if it has not ended: the socket is destroyed, a waiting read fails as aborted. */
  destroy(): void {
    this.#fail(aborted());
  }

  #fail(error: ProviderError): void {
    if (this.#phase === 'over') return;
    // Undici tells of the request right before it writes it: until then there is a place to wait for, or a connection to be made.
    if (this.#controller === null) unsent(error);
    if (error.providerError === 'aborted') this.#chunks = [];
    this.#failure = error;
    this.#unwanted = true;
    this.#end();
    this.#controller?.abort(error);
    this.#opened?.reject(error);
    this.#opened = null;
    this.#reading?.reject(error);
    this.#reading = null;
  }

  #end(): void {
    this.#phase = 'over';
    this.#request.signal.removeEventListener('abort', this.#onAbort);
    this.#disarm();
    this.#leave?.();
    this.#leave = null;
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #expired(): void {
    switch (this.#phase) {
      case 'opening':
        return this.#fail(
          providerError('upstream_timeout', 'The model provider did not answer in time.', {
            retryable: true,
            requestId: this.requestId,
          }),
        );
      case 'refused':
        return this.#fail(this.#refusal());
      case 'streaming':
        // Nobody reads: the wait is the reader's. The next read starts the timer again.
        if (this.#reading === null) return;
        return this.#fail(
          providerError('upstream_timeout', 'The model provider stopped in the middle of its answer.', {
            requestId: this.requestId,
          }),
        );
      case 'draining':
      case 'over':
        return;
    }
  }

  #refusal(): ProviderError {
    const body = Buffer.concat(this.#chunks).toString('utf8');
    return httpFailure({ status: this.#status, headers: this.#headers, body }, this.#request.secret, Date.now());
  }

  // ---- What undici calls ----

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#unwanted) controller.abort(this.#failure ?? aborted());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#phase !== 'opening') return;
    this.#status = status;
    this.#headers = headers;
    if (status >= 300) {
      this.#phase = 'refused';
    } else if (!isOfType(headers, this.#request.accept)) {
      this.#fail(
        providerError('upstream_error', `The model provider did not answer with ${ANSWERS[this.#request.accept]}.`, {
          retryable: true,
          status,
          requestId: this.requestId,
        }),
      );
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.length;
    switch (this.#phase) {
      case 'opening':
        this.#phase = 'streaming';
        // From here on only a read that waits has a deadline: most short answers need no second timer.
        this.#disarm();
        this.#opened?.resolve();
        this.#opened = null;
        return this.#queue(controller, chunk);
      case 'streaming':
        return this.#queue(controller, chunk);
      case 'refused':
        this.#chunks.push(chunk);
        if (this.#received > MAX_ERROR_BYTES) this.#fail(this.#refusal());
        return;
      case 'draining':
        if (this.#received > DRAIN_BYTES) this.destroy();
        return;
      case 'over':
        return;
    }
  }

  #queue(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#received > this.#limits.maxResponseBytes) {
      return this.#fail(interrupted('The answer of the model provider is too large.', this.requestId));
    }
    this.#chunks.push(chunk);
    this.#queued += chunk.length;
    const reading = this.#reading;
    if (reading !== null) {
      this.#reading = null;
      reading.resolve(this.#take());
    } else if (this.#queued >= HIGH_WATER) {
      controller.pause();
    }
  }

  onResponseEnd(): void {
    switch (this.#phase) {
      case 'opening':
        return this.#fail(unreachable('The model provider sent an empty answer.', this.requestId));
      case 'refused':
        return this.#fail(this.#refusal());
      case 'streaming':
      case 'draining':
        this.#end();
        this.#reading?.resolve(null);
        this.#reading = null;
        return;
      case 'over':
        return;
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const code = codeOf(error);
    switch (this.#phase) {
      case 'opening':
        if (code === 'UND_ERR_CONNECT_TIMEOUT') {
          return this.#fail(
            providerError('upstream_timeout', 'The model provider could not be connected to in time.', {
              retryable: true,
            }),
          );
        }
        return this.#fail(
          unreachable(
            `The connection to the model provider failed${code === null ? '' : ` (${code})`}.`,
            this.requestId,
          ),
        );
      case 'refused':
        return this.#fail(this.#refusal());
      case 'streaming':
        return this.#fail(
          interrupted('The connection to the model provider broke in the middle of its answer.', this.requestId),
        );
      case 'draining':
        return this.#end();
      case 'over':
        return;
    }
  }
}

function unreachable(message: string, requestId: string | null = null): ProviderError {
  return providerError('upstream_error', message, { retryable: true, requestId });
}

/** The code of a system or undici error: it names no address. */
function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' && /^[A-Z_]{1,40}$/.test(error.code) ? error.code : null;
}

/** Of that type, whatever its parameters, and not compressed. */
function isOfType(headers: IncomingHttpHeaders, accept: AnswerType): boolean {
  const encoding = headers['content-encoding'];
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  return type.trim().toLowerCase() === accept && (encoding === undefined || encoding === 'identity');
}
