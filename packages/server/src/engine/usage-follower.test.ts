import { describe, expect, it } from 'vitest';
import type { TenantId } from '../kernel/ids.ts';
import { LAID, MeteredLog } from './metered-log.test-support.ts';
import { CLOCK_STEP_MS, USAGE_PAGE } from './usage.ts';
import { TooManyOpen, UsageFollower } from './usage-follower.ts';

const [acme, rival] = ['acme' as TenantId, 'rival' as TenantId];

async function told(follower: UsageFollower, tenants: readonly TenantId[] = [acme]): Promise<readonly number[]> {
  const all: number[] = [];
  for await (const calls of follower.next(tenants)) all.push(...calls.map(({ at }) => at));
  return all;
}

describe('calls that ended', () => {
  it('are told once each, whenever they end', async () => {
    const log = new MeteredLog();
    const follower = new UsageFollower(log.source, 0);
    const open = await log.place({ ...LAID, at: 1 });
    await log.end(await log.place({ ...LAID, at: 2 }), 20);
    const later = await log.place({ ...LAID, at: 3 });
    expect(await told(follower)).toEqual([2]);
    await log.end(later, 30);
    await log.end(await log.place({ ...LAID, at: 4 }), 40);
    expect(await told(follower)).toEqual([3, 4]);
    expect(await told(follower)).toEqual([]);
    await log.end(open, 50);
    expect(await told(follower)).toEqual([1]);
    expect(await told(follower)).toEqual([]);
  });

  it('are told over many pages, those that were in flight too', async () => {
    const log = new MeteredLog();
    const follower = new UsageFollower(log.source, 0);
    const count = 2 * USAGE_PAGE + 3;
    const placed: number[] = [];
    for (let i = 0; i < count; i++) placed.push(await log.place({ ...LAID, at: i }));
    expect(await told(follower)).toEqual([]);
    for (const n of placed.filter(i => i % 2 === 0)) await log.end(n, count);
    expect(await told(follower)).toHaveLength(USAGE_PAGE + 2);
    for (const n of placed.filter(i => i % 2 === 1)) await log.end(n, count);
    for (let i = 0; i < USAGE_PAGE; i++) await log.end(await log.place({ ...LAID, at: i }), count);
    expect(await told(follower)).toHaveLength(USAGE_PAGE + 1 + USAGE_PAGE);
  });

  it('are those of the tenants that are asked for, from when they are', async () => {
    const log = new MeteredLog();
    const follower = new UsageFollower(log.source, 0);
    await log.end(await log.place({ ...LAID, at: 1 }), 1);
    await log.end(await log.place({ ...LAID, at: 2, tenant: rival }), 2);
    expect(await told(follower)).toEqual([1]);
    expect(await told(follower, [acme, rival])).toEqual([2]);
  });

  it('begin a step of the clock before the time that was asked for', async () => {
    const log = new MeteredLog();
    const from = 10 * CLOCK_STEP_MS;
    for (const at of [from - CLOCK_STEP_MS - 1, from - CLOCK_STEP_MS, from])
      await log.end(await log.place({ ...LAID, at }), at);
    expect(await told(new UsageFollower(log.source, from))).toEqual([from - CLOCK_STEP_MS, from]);
  });
});

it('as many as it may remember can be in flight, and one more is told apart', async () => {
  const log = new MeteredLog();
  const follower = new UsageFollower(log.source, 0, 2);
  const first = await log.place({ ...LAID, at: 1 });
  await log.place({ ...LAID, at: 2 });
  expect(await told(follower)).toEqual([]);
  await log.end(first, 3);
  await log.place({ ...LAID, at: 3 });
  expect(await told(follower)).toEqual([1]);
  await log.place({ ...LAID, at: 4 });
  await expect(told(follower)).rejects.toThrow(TooManyOpen);
});
