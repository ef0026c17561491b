/** Something done around a stateless call, in whichever form it is made. */
import type { Step } from '../log/steps.ts';
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
  async function* steps(): AsyncGenerator<readonly Step[]> {
    company.begin?.();
    let answered = false;
    try {
      for await (const batch of call.steps) {
        if (batch.at(-1)?.type === 'end') {
          await company.answered?.();
          answered = true;
        }
        yield batch;
      }
    } finally {
      await company.end(answered);
    }
  }
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
  return { ...call, steps: steps(), answer };
}

/** A stateless call under an idempotency key: the key is spent once the call was answered, and given back if it failed. */
export function settling(
  call: StatelessCall,
  reserved: { done(): Promise<void>; release(): Promise<void> },
): StatelessCall {
  return accompanied(call, {
    answered: () => reserved.done(),
    end: async answered => {
      if (!answered) await reserved.release();
    },
  });
}
