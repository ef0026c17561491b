import { expect, it } from 'vitest';
import { makeTurns } from './turns.ts';

it('lets so many at once, the others in their order, and forgets who leaves', async () => {
  const turns = makeTurns(2);
  const never = new AbortController().signal;
  const order: string[] = [];
  const [one, two] = [await turns.take(never), await turns.take(never)];
  const leaving = new AbortController();
  const gone = turns.take(leaving.signal);
  const third = turns.take(never).then(give => (order.push('third'), give));
  const fourth = turns.take(never).then(give => (order.push('fourth'), give));
  leaving.abort();
  await expect(gone).rejects.toThrow();
  expect(order).toEqual([]);
  one();
  // A turn is given back once only.
  one();
  await third;
  expect(order).toEqual(['third']);
  two();
  await fourth;
  expect(order).toEqual(['third', 'fourth']);
  (await third)();
  (await fourth)();
  await turns.take(never);
  await turns.take(never);
  await expect(turns.take(AbortSignal.abort())).rejects.toThrow();
});
