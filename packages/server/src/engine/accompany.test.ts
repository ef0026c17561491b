import { describe, expect, test } from 'vitest';
import type { Step } from '../log/steps.ts';
import { accompanied } from './accompany.ts';
import { deliver } from './flow.ts';
import type { StatelessCall } from './stateless.ts';

const DELTA = { type: 'delta', part: 0, text: 'a' } as unknown as Step;
const END = { type: 'end', outcome: 'completed', reason: null, usage: null, upstream: {} } as unknown as Step;

/** A call with these steps, and what was done around it, in order. */
function told(batches: readonly (readonly Step[] | Error)[], broken: { readonly answered?: boolean } = {}) {
  const log: string[] = [];
  async function* steps(): AsyncGenerator<readonly Step[]> {
    try {
      for (const batch of batches) {
        if (batch instanceof Error) throw batch;
        yield batch;
      }
    } finally {
      log.push('steps over');
    }
  }
  const call = accompanied({ steps: steps(), answer: async () => [END] } as unknown as StatelessCall, {
    begin: () => void log.push('begin'),
    answered: async () => {
      log.push('answered');
      if (broken.answered === true) throw new Error('not kept');
    },
    end: async answered => void log.push(`end ${answered}`),
  });
  return { call, log };
}

async function pull(call: StatelessCall, log: string[], most = 10): Promise<void> {
  for await (const batch of call.steps) {
    log.push(`batch of ${batch.length}`);
    most -= 1;
    if (most === 0) return;
  }
}

/** One who leaves has been given the batch that he leaves at. */
async function flow(call: StatelessCall, log: string[], most = 10): Promise<void> {
  await deliver(call.steps, batch => {
    log.push(`batch of ${batch.length}`);
    most -= 1;
    if (most === 0) throw LEFT;
    return undefined;
  }).catch((error: unknown) => {
    if (error !== LEFT) throw error;
  });
}
const LEFT = new Error('left');

describe.each([
  ['pulled', pull],
  ['flowing', flow],
])('%s:', (_, read) => {
  test('a call that is read to its end: what is answered is kept before the end is shown', async () => {
    const { call, log } = told([[DELTA], [DELTA, END]]);
    await read(call, log);
    expect(log).toEqual(['begin', 'batch of 1', 'answered', 'batch of 2', 'steps over', 'end true']);
  });

  test('one that its reader leaves is ended, and so are its steps', async () => {
    const { call, log } = told([[DELTA], [DELTA, END]]);
    await read(call, log, 1);
    expect(log).toEqual(['begin', 'batch of 1', 'steps over', 'end false']);
  });

  test('one that fails, and one whose answer cannot be kept, fail after their end', async () => {
    const failed = told([[DELTA], new Error('cut')]);
    await expect(read(failed.call, failed.log)).rejects.toThrow('cut');
    expect(failed.log).toEqual(['begin', 'batch of 1', 'steps over', 'end false']);
    const unkept = told([[END]], { answered: true });
    await expect(read(unkept.call, unkept.log)).rejects.toThrow('not kept');
    expect(unkept.log).toEqual(['begin', 'answered', 'steps over', 'end false']);
  });
});

test('one that nobody reads is not begun', async () => {
  const { call, log } = told([[END]]);
  const steps = call.steps[Symbol.asyncIterator]();
  await steps.return?.();
  expect(await steps.next()).toEqual({ done: true, value: undefined });
  expect(log).toEqual([]);
});
