/** The answer of a call as its reader takes it: the socket is read for as long as he does, so that a slow reader slows the upstream. */
import type { StepSource, TakeSteps } from '../engine/flow.ts';
import type { ProviderError } from '../engine/ports.ts';
import { isProviderError } from '../engine/ports.ts';
import type { Step } from '../log/steps.ts';
import type { EventsBody } from './events-body.ts';
import { interrupted } from './provider-error.ts';
import type { Exchange, Waiter } from './transport/exchange.ts';

/**
 * A batch holds what one read of the socket brought. What came before a failure is given out first; then the pull after it fails.
 * One pull at a time; `return` ends the call at once, also while a pull waits.
 */
export class StepStream implements StepSource, AsyncIterableIterator<readonly Step[], undefined> {
  readonly #exchange: Exchange;
  readonly #body: EventsBody;
  #failure: ProviderError | null = null;
  #done = false;

  constructor(exchange: Exchange, body: EventsBody) {
    this.#exchange = exchange;
    this.#body = body;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<readonly Step[], undefined>> {
    if (this.#failure !== null) throw this.#finish(this.#failure);
    while (!this.#done) {
      // Here and not in a function of its own: each `async` costs a piece of the stream as much again.
      try {
        this.#push(await this.#exchange.read());
      } catch (error) {
        this.#broke(error);
      }
      const steps = this.#due();
      if (steps.length > 0) return { done: false, value: steps };
      if (this.#failure !== null) throw this.#finish(this.#failure);
    }
    return { done: true, value: undefined };
  }

  flow(take: TakeSteps): Promise<void> {
    return new Promise((resolve, reject) => {
      const goOn = (): void => {
        if (this.#failure !== null) reject(this.#finish(this.#failure));
        else if (this.#done) resolve();
        else this.#exchange.readTo(waiter);
      };
      const refused = (error: unknown): void => {
        void this.return();
        reject(error);
      };
      const came = (): void => {
        if (this.#done) return goOn();
        const steps = this.#due();
        if (steps.length === 0) return goOn();
        try {
          const full = take(steps);
          if (full === undefined) goOn();
          else full.then(goOn, refused);
        } catch (error) {
          refused(error);
        }
      };
      const waiter: Waiter<readonly Buffer[] | null> = {
        resolve: chunks => {
          try {
            this.#push(chunks);
          } catch (error) {
            this.#broke(error);
          }
          came();
        },
        reject: error => {
          this.#broke(error);
          came();
        },
      };
      goOn();
    });
  }

  return(): Promise<IteratorResult<readonly Step[], undefined>> {
    this.#done = true;
    this.#failure = null;
    // After the last event the connection is only being emptied, and kept.
    if (!this.#body.ended) this.#exchange.destroy();
    return Promise.resolve({ done: true, value: undefined });
  }

  #push(chunks: readonly Buffer[] | null): void {
    if (chunks === null) this.#body.close();
    else for (const chunk of chunks) this.#body.push(chunk);
  }

  #broke(error: unknown): void {
    // What follows the last event is nobody's concern.
    if (this.#body.ended) return;
    this.#failure = isProviderError(error)
      ? error
      : interrupted('The answer of the model provider could not be read.', this.#exchange.requestId);
    this.#exchange.destroy();
  }

  #due(): readonly Step[] {
    // First: with what is taken the answer may come to its end.
    const steps = this.#body.take();
    if (this.#body.ended) {
      this.#done = true;
      if (this.#body.left) this.#exchange.destroy();
      else this.#exchange.drain();
    }
    return steps;
  }

  #finish(failure: ProviderError): ProviderError {
    this.#failure = null;
    this.#done = true;
    return failure;
  }
}
