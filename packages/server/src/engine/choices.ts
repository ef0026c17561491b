/**
 * Several stateless calls for one request: the choices of a chat completion. Each is placed, held, metered and made by itself; one that cannot
 * be placed ends them all before any is made.
 */
import { accompanied } from './accompany.ts';
import type { StatelessCall } from './stateless.ts';

export async function beginChoices(
  begin: () => Promise<StatelessCall>,
  count: number,
): Promise<readonly StatelessCall[]> {
  const calls: StatelessCall[] = [];
  try {
    // One after another: behind one that is refused none is tried, and one refusal is recorded.
    while (calls.length < count) calls.push(await begin());
  } catch (error) {
    for (const call of calls) call.drop();
    throw error;
  }
  return calls;
}

/** Of a request for one. */
export function theOnly([call]: readonly StatelessCall[]): StatelessCall {
  if (call === undefined) throw new Error('no call was begun');
  return call;
}

/** What is done around all of them together. */
interface Together {
  /** The last one is answered: it is released once this has resolved. */
  answered(): Promise<void>;
  /** The last one has ended, however. `answered`: all were, and that resolved. */
  end(answered: boolean): Promise<void>;
}

/** To be made all, or none: what is done at their end waits for each. */
export function accompaniedTogether(calls: readonly StatelessCall[], company: Together): readonly StatelessCall[] {
  let unanswered = calls.length;
  let open = calls.length;
  let answered = false;
  return calls.map(call =>
    accompanied(call, {
      answered: async () => {
        unanswered -= 1;
        if (unanswered > 0) return;
        await company.answered();
        answered = true;
      },
      end: async () => {
        open -= 1;
        if (open === 0) await company.end(answered);
      },
    }),
  );
}
