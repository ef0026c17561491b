/**
 * A home's reads, and the thread for them, which is there only while the home is used: a thread takes some 12 MB. Without it the writer
 * reads, between its groups; that is for the few looks of a server that nobody asks, and for what comes while the thread begins.
 */
import type { ArgsOf, HomeReads, ReaderOps, ResultOf, WriterOps } from './messages.ts';
import type { LastingLink, LifeSigns } from './lasting-link.ts';

/** How long nothing but housekeeping may have come before the thread ends, ms. */
const REST_MS = 30_000;
/** After a thread that could not be begun, ms. */
const RETRY_MS = 10_000;

/** What a server looks for by itself, or looks up by its key: a few rows each. */
const HOUSEKEEPING: ReadonlySet<keyof HomeReads> = new Set([
  'auditPosition',
  'document',
  'due',
  'dueResources',
  'heads',
  'hiddenFiles',
  'keys',
  'living',
  'open',
  'outbox',
  'records',
  'resource',
  'tenants',
  'unerased',
  'unsettledFiles',
] satisfies (keyof HomeReads)[]);

type Link<O> = Pick<LastingLink<O>, 'call' | 'terminate'>;

export interface RestingReaderParts {
  readonly writer: Link<WriterOps>;
  readonly open: () => Promise<Link<ReaderOps>>;
  readonly signs: LifeSigns;
  readonly restMs?: number;
}

export class RestingReader {
  readonly #parts: RestingReaderParts;
  readonly #restMs: number;
  #reader: Link<ReaderOps> | null = null;
  #opening: Promise<void> | null = null;
  #failedAt = Number.NEGATIVE_INFINITY;
  #usedAt = 0;
  #rest: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: RestingReaderParts) {
    this.#parts = parts;
    this.#restMs = parts.restMs ?? REST_MS;
  }

  call<K extends keyof HomeReads>(op: K, args: ArgsOf<ReaderOps, K>): Promise<ResultOf<ReaderOps, K>> {
    if (!HOUSEKEEPING.has(op)) this.used();
    if (this.#reader !== null) return this.#reader.call(op, args);
    return this.#parts.writer.call(op, args);
  }

  /** Somebody uses the home. */
  used(): void {
    this.#usedAt = performance.now();
    if (this.#reader !== null || this.#opening !== null || this.#closed) return;
    if (this.#usedAt - this.#failedAt < RETRY_MS) return;
    this.#opening = this.#begin().finally(() => (this.#opening = null));
  }

  /** Ends the thread once it has answered what it was asked. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#rest);
    await this.#opening;
    await this.#end();
  }

  /** Ends the thread, whatever it is at; what waits fails. */
  async terminate(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#rest);
    await this.#reader?.terminate();
  }

  async #begin(): Promise<void> {
    try {
      const reader = await this.#parts.open();
      if (this.#closed) {
        await reader.terminate();
        return;
      }
      if (this.#failedAt > 0) this.#parts.signs.revived('reader');
      this.#failedAt = Number.NEGATIVE_INFINITY;
      this.#reader = reader;
      this.#arm(this.#restMs);
    } catch (error) {
      this.#failedAt = performance.now();
      if (!this.#closed)
        this.#parts.signs.died('reader', error instanceof Error ? error : new Error(String(error)), false);
    }
  }

  #arm(ms: number): void {
    this.#rest = setTimeout(() => {
      const left = this.#usedAt + this.#restMs - performance.now();
      if (left > 0) this.#arm(left);
      else void this.#end();
    }, ms).unref();
  }

  async #end(): Promise<void> {
    const reader = this.#reader;
    this.#reader = null;
    if (reader === null) return;
    await reader.call('close', null).catch(() => undefined);
    await reader.terminate();
  }
}
