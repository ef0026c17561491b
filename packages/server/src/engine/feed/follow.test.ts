import { expect, test, vi } from 'vitest';
import type { HomeId, SessionId, TenantId } from '../../kernel/ids.ts';
import { EVENT_CODES } from '../../log/codec.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import type { ResourceChange } from '../resources.ts';
import { type Feed, type FeedConsumer, followFeed, NOTE_EVERY, NOTE_MS } from './follow.ts';

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

const TENANT = 'acme' as TenantId;

/** A home whose events are put in by hand, each the end of a turn, and what its follower did. */
class Followed {
  readonly #store = openMemoryHome({ home: 'local' as HomeId, clock: { now: () => 0, monotonic: () => 0 } });
  readonly #effects: FeedConsumer['effects'];
  /** The position of each event. */
  readonly events: number[] = [];
  /** Positions of the events that were looked at. */
  readonly looked: number[] = [];
  /** What was committed: how many changes beside the place. */
  readonly commits: number[] = [];
  now = 0;
  end = 0;

  constructor(effects: FeedConsumer['effects'] = () => Promise.resolve([])) {
    this.#effects = effects;
  }

  follow(): Feed {
    const store = this.#store;
    const heads: typeof store.heads = ({ after, limit }) => {
      const rows = this.events
        .filter(position => position > after)
        .slice(0, limit)
        .map(position => ({
          position,
          tenant: TENANT,
          session: `sess_${position}` as SessionId,
          kind: 'responses' as const,
          seq: 1,
          at: 0,
          actor: 'engine',
          code: EVENT_CODES['turn.completed'],
          version: 1,
          head: '{}',
        }));
      return Promise.resolve({
        rows,
        to: Math.max(after, rows.length < limit ? this.end : (rows.at(-1)?.position ?? 0)),
      });
    };
    const changeResources: typeof store.changeResources = (changes, entry) => {
      this.commits.push(changes.length - 1);
      return store.changeResources(changes, entry);
    };
    return followFeed({
      homes: [{ ...store, heads }],
      control: { ...store, changeResources },
      consumers: [
        {
          types: ['turn.completed'],
          reads: [],
          effects: fed => {
            this.looked.push(fed.position);
            return this.#effects(fed);
          },
        },
      ],
      everyMs: 1_000_000,
      now: () => this.now,
      report: (what, error) => {
        throw new Error(what, { cause: error });
      },
      log: () => undefined,
    });
  }

  happen(...positions: readonly number[]): void {
    this.events.push(...positions);
    this.end = Math.max(this.end, ...positions);
  }
}

const approval = (position: number): ResourceChange => ({
  op: 'put',
  row: {
    kind: 'approval',
    tenant: TENANT,
    id: `a${position}`,
    parent: null,
    version: 1,
    createdAt: 0,
    wakeAt: null,
    body: '{}',
  },
});

test('what nothing follows from is looked at once and costs no commit until its place is noted: after a while, or at the end', async () => {
  const one = new Followed();
  const feed = one.follow();
  one.happen(3, 7);
  await feed.caughtUp();
  one.now = NOTE_MS - 1;
  one.happen(9);
  await feed.caughtUp();
  expect([one.looked, one.commits]).toEqual([[3, 7, 9], []]);
  one.now = NOTE_MS;
  await feed.caughtUp();
  expect(one.commits).toEqual([0]);
  one.now = 10 * NOTE_MS;
  await feed.caughtUp();
  expect(one.commits).toEqual([0]);
  one.happen(12);
  one.now = NOTE_MS;
  await feed.caughtUp();
  expect(one.commits).toEqual([0]);
  await feed.close();
  expect(one.commits).toEqual([0, 0]);
  await one.follow().caughtUp();
  expect(one.looked).toEqual([3, 7, 9, 12]);
});

test('or after so many positions', async () => {
  const one = new Followed();
  const feed = one.follow();
  one.end = NOTE_EVERY - 1;
  await feed.caughtUp();
  expect(one.commits).toEqual([]);
  one.end = NOTE_EVERY;
  await feed.caughtUp();
  expect(one.commits).toEqual([0]);
  await feed.close();
});

test('who dies before that has them looked at again; what followed from the others is one commit with their place', async () => {
  const one = new Followed(({ position }) => Promise.resolve(position === 4 ? [approval(4)] : []));
  const died = one.follow();
  one.happen(3, 4, 5);
  await died.caughtUp();
  one.happen(6);
  await died.caughtUp();
  expect(one.commits).toEqual([1]);
  await one.follow().caughtUp();
  expect(one.looked).toEqual([3, 4, 5, 6, 6]);
  expect(one.commits).toEqual([1]);
});

test('a follower that is closed in the middle has what it did not look at looked at by the next', async () => {
  const gate = Promise.withResolvers<void>();
  const one = new Followed(async ({ position }) => {
    if (position === 4) await gate.promise;
    return [];
  });
  const feed = one.follow();
  one.happen(3, 4, 5);
  const caught = feed.caughtUp();
  await vi.waitFor(() => expect(one.looked).toContain(4));
  const closed = feed.close();
  gate.resolve();
  await Promise.all([caught, closed]);
  await one.follow().caughtUp();
  expect(one.looked).toEqual([3, 4, 3, 4, 5]);
});
