import { expect, test, vi } from 'vitest';
import type { HomeId } from '../../kernel/ids.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import { followFeed } from './follow.ts';

test('a fault that stays is said once, another once more, and once that it is over', async () => {
  const store = openMemoryHome({ home: 'local' as HomeId, clock: { now: () => 0, monotonic: () => 0 } });
  const lines: string[] = [];
  const at = { fault: 'locked', looks: 0 };
  const feed = followFeed({
    homes: [
      {
        ...store,
        heads: query => {
          at.looks += 1;
          return at.fault === '' ? store.heads(query) : Promise.reject(new Error(at.fault));
        },
      },
    ],
    control: store,
    consumers: [],
    everyMs: 1,
    now: () => 0,
    report: (what, error) => lines.push(`${what}: ${String(error)}`),
    log: line => lines.push(line),
  });
  const look = (): Promise<void> => {
    const from = at.looks;
    return vi.waitFor(() => expect(at.looks).toBeGreaterThan(from + 3));
  };
  for (const fault of ['locked', 'full', '', 'locked']) {
    at.fault = fault;
    await look();
  }
  await feed.close();
  expect(lines).toEqual([
    'following the log: Error: locked',
    'following the log: Error: full',
    'following the log: it goes on',
    'following the log: Error: locked',
  ]);
});
