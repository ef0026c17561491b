import { describe, expect, test } from 'vitest';
import type { Step } from '../log/steps.ts';
import { type Boundary, untilBoundary } from './boundary.ts';
import { throughFlow } from './flow.test-support.ts';
import { END, functionCall, message } from './scripted-provider.test-support.ts';

const at = (steps: readonly Step[], index: number): Step[] => steps.map(step => ({ ...step, index }) as Step);
const reasoning: Step[] = [
  { type: 'item', index: 0, item: { type: 'reasoning' } },
  { type: 'item_done', index: 0 },
];

/** The steps that come through, the boundary asked for before the nth; whether the source was let go early. */
async function through(
  steps: readonly Step[],
  askedAt: number,
  size = 1,
  read: (steps: AsyncIterable<readonly Step[]>) => AsyncIterable<readonly Step[]> = same => same,
): Promise<{ steps: Step[]; letGo: boolean }> {
  const boundary: Boundary = { asked: false };
  let letGo = true;
  async function* source(): AsyncGenerator<readonly Step[]> {
    for (let i = 0; i < steps.length; i += size) {
      if (i >= askedAt) boundary.asked = true;
      yield steps.slice(i, i + size);
    }
    letGo = false;
  }
  const seen: Step[] = [];
  for await (const batch of read(untilBoundary(source(), boundary))) seen.push(...batch);
  return { steps: seen, letGo };
}

const STEERED = { type: 'end', outcome: 'incomplete', reason: 'steered', usage: null };

describe('a boundary', () => {
  test('lies between two items, after a message', async () => {
    const all = [...message('One'), ...at(message('Two'), 1), END];
    for (const size of [1, 3, 100])
      for (const read of [undefined, throughFlow]) {
        const { steps, letGo } = await through(all, 0, size, read);
        expect(steps).toEqual([...message('One'), expect.objectContaining(STEERED)]);
        expect(letGo).toBe(true);
      }
  });

  test('is none before it is asked for', async () => {
    const all = [...message('One'), ...at(message('Two'), 1), END];
    const between = message('One').length;
    expect((await through(all, between + 1)).steps).toEqual(all);
    expect((await through(all, between)).steps).toHaveLength(between + 1);
  });

  test.each([
    ['inside or at the end of the only item', [...message('One'), END]],
    ['after a reasoning item', [...reasoning, ...at(message('One'), 1), END]],
    ['once a call was made', [...functionCall('c'), ...at(message('One'), 1), ...at(message('Two'), 2), END]],
    ['after a call', [...message('One').slice(0, 0), ...functionCall('c'), ...functionCall('d', '{}', 1), END]],
  ])('is none %s', async (_, all) => {
    expect(await through(all, 0)).toEqual({ steps: all, letGo: false });
  });
});
