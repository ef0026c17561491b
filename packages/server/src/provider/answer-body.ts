/** The two forms in which an answer's body comes: a stream of events, or one piece of JSON. */
import type { Step } from '../log/steps.ts';
import type { Dialect, EventReader } from './dialect.ts';
import { malformed } from './in-band.ts';
import { parseFields } from './json.ts';
import { interrupted } from './provider-error.ts';
import { SseParser } from './transport/sse.ts';

/** Reads one body. What it throws is a `ProviderError`; after that, or after `ended`, it is spent. */
export interface AnswerBody {
  push(chunk: Buffer): void;
  /** The body ended cleanly. */
  close(): void;
  /** Steps that are due since the last time. */
  take(): readonly Step[];
  /** Whether the end was said: what still comes means nothing. */
  readonly ended: boolean;
}

export class EventsBody implements AnswerBody {
  readonly #reader: EventReader;
  readonly #parser: SseParser;
  readonly #requestId: string | null;
  readonly #onData: (data: string) => void;

  /** @param maxEventBytes of one event, what it repeats of the request included */
  constructor(reader: EventReader, maxEventBytes: number, requestId: string | null) {
    this.#reader = reader;
    this.#parser = new SseParser(maxEventBytes);
    this.#requestId = requestId;
    this.#onData = data => reader.event(data);
  }

  get ended(): boolean {
    return this.#reader.ended;
  }

  push(chunk: Buffer): void {
    try {
      this.#parser.push(chunk, this.#onData);
    } catch (error) {
      if (!(error instanceof Error && 'oversizeEvent' in error)) throw error;
      throw interrupted('The model provider sent an event that is too large.', this.#requestId);
    }
  }

  close(): void {
    this.#reader.close();
  }

  take(): readonly Step[] {
    return this.#reader.take();
  }
}

/** Holds the body until it is whole; its size is bounded where it comes from. */
export class WholeBody implements AnswerBody {
  readonly #read: Dialect['whole'];
  readonly #requestId: string | null;
  #chunks: Buffer[] = [];
  #steps: readonly Step[] = [];
  ended = false;

  constructor(read: Dialect['whole'], requestId: string | null) {
    this.#read = read;
    this.#requestId = requestId;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  close(): void {
    if (this.ended) return;
    const answer = parseFields(textOf(this.#chunks));
    this.#chunks = [];
    if (answer === null) throw malformed(this.#requestId);
    this.#steps = this.#read(answer, this.#requestId);
    this.ended = true;
  }

  take(): readonly Step[] {
    const steps = this.#steps;
    this.#steps = [];
    return steps;
  }
}

/** Most answers come in one chunk, and are not copied. */
function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks;
  return (chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)).toString('utf8');
}
