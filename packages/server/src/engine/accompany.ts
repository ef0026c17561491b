/** Something done around a stateless call, in whichever form it is made. */
import type { Step } from '../log/steps.ts';
import { flowed, NotTaken, type StepSource, type TakeSteps } from './flow.ts';
import type { StatelessCall } from './stateless.ts';

interface Company {
  begin?(): void;
  /** All of the answer is there; it is released once this has resolved. */
  answered?(): Promise<void>;
  /** However it ended. */
  end(answered: boolean): Promise<void>;
}

/** A stateless call with something done around it, in whichever form it is made. */
export function accompanied(call: StatelessCall, company: Company): StatelessCall {
  async function answer(): Promise<readonly Step[]> {
    company.begin?.();
    let answered = false;
    try {
      const all = await call.answer();
      await company.answered?.();
      answered = true;
      return all;
    } finally {
      await company.end(answered);
    }
  }
  const steps = { [Symbol.asyncIterator]: () => new AccompaniedSteps(call.steps[Symbol.asyncIterator](), company) };
  return { ...call, steps, answer };
}

type Result = IteratorResult<readonly Step[], undefined>;
const DONE: Result = { done: true, value: undefined };

/** By hand and not as a generator, which costs each piece of a stream four promises. One pull at a time. */
class AccompaniedSteps implements StepSource {
  readonly #steps: StepSource;
  readonly #company: Company;
  #phase: 'waits' | 'runs' | 'over' = 'waits';
  #answered = false;
  readonly #came = (result: IteratorResult<readonly Step[]>): Result | Promise<Result> => {
    if (result.done === true) return this.#finished();
    return result.value.at(-1)?.type === 'end' ? this.#ending(result) : result;
  };
  readonly #failed = async (error: unknown): Promise<never> => {
    await this.#finished();
    throw error;
  };

  constructor(steps: StepSource, company: Company) {
    this.#steps = steps;
    this.#company = company;
  }

  next(): Promise<Result> {
    if (!this.#begun()) return Promise.resolve(DONE);
    return this.#steps.next().then(this.#came, this.#failed);
  }

  async flow(take: TakeSteps): Promise<void> {
    if (!this.#begun()) return;
    try {
      await flowed(this.#steps, batch => (batch.at(-1)?.type === 'end' ? this.#last(batch, take) : take(batch)));
    } finally {
      await this.#finished();
    }
  }

  async #last(batch: readonly Step[], take: TakeSteps): Promise<void> {
    try {
      await this.#company.answered?.();
    } catch (cause) {
      throw new NotTaken('what was answered could not be kept', { cause });
    }
    this.#answered = true;
    await take(batch);
  }

  /** False once it is over. */
  #begun(): boolean {
    if (this.#phase === 'waits') {
      this.#company.begin?.();
      this.#phase = 'runs';
    }
    return this.#phase === 'runs';
  }

  async return(): Promise<Result> {
    if (this.#phase !== 'runs') {
      this.#phase = 'over';
      return DONE;
    }
    try {
      await this.#steps.return?.();
    } finally {
      await this.#finished();
    }
    return DONE;
  }

  async #ending(result: Result): Promise<Result> {
    try {
      await this.#company.answered?.();
    } catch (error) {
      await this.#steps.return?.().catch(() => undefined);
      return this.#failed(error);
    }
    this.#answered = true;
    return result;
  }

  async #finished(): Promise<Result> {
    this.#phase = 'over';
    await this.#company.end(this.#answered);
    return DONE;
  }
}
