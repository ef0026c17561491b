import { expect, test } from 'vitest';
import { oneAtATime } from './one-at-a-time.ts';

test('one runs; all who come meanwhile share the one after it, which began after they asked', async () => {
  const shared = oneAtATime<number>();
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  let begun = 0;
  const work = async (): Promise<number> => {
    begun += 1;
    const mine = begun;
    await gates[mine - 1]?.promise;
    return mine;
  };
  const first = shared('a', work);
  const second = [shared('a', work), shared('a', work), shared('a', work)];
  expect(begun).toBe(1);
  gates[0]?.resolve();
  expect(await first).toBe(1);
  await Promise.resolve();
  expect(begun).toBe(2);
  const third = shared('a', work);
  gates[1]?.resolve();
  expect(await Promise.all(second)).toEqual([2, 2, 2]);
  gates[2]?.resolve();
  expect(await third).toBe(3);
  expect(begun).toBe(3);
});

test('other keys wait for nobody, and a failure is its own', async () => {
  const shared = oneAtATime<string>();
  const never = shared('a', () => new Promise<string>(() => undefined));
  void never;
  expect(await shared('b', async () => 'b')).toBe('b');
  await expect(shared('c', () => Promise.reject(new Error('once')))).rejects.toThrow('once');
  expect(await shared('c', async () => 'again')).toBe('again');
});
