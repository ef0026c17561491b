/** The body of an answer that comes as a stream of events. */
import type { Step } from '../log/steps.ts';
import type { EventReader } from './dialect.ts';
import { interrupted } from './provider-error.ts';
import { SseParser } from './transport/sse.ts';

/** Reads one body. What it throws is a `ProviderError`; after that, or after `ended`, it is spent. */
export class EventsBody {
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

  /** Whether the end was said: what still comes means nothing. */
  get ended(): boolean {
    return this.#reader.ended;
  }

  /** Whether it was said before the upstream came to it. */
  get left(): boolean {
    return this.#reader.left === true;
  }

  push(chunk: Buffer): void {
    try {
      this.#parser.push(chunk, this.#onData);
    } catch (error) {
      if (!(error instanceof Error && 'oversizeEvent' in error)) throw error;
      throw interrupted('The model provider sent an event that is too large.', this.#requestId);
    }
  }

  /** The body ended cleanly. */
  close(): void {
    this.#reader.close();
  }

  /** Steps that are due since the last time. */
  take(): readonly Step[] {
    return this.#reader.take();
  }
}
