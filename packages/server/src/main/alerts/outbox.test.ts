import { describe, expect, it, vi } from 'vitest';
import type { HomeId } from '../../kernel/ids.ts';
import type { Crossing } from '../../money/crossings.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { emptyMemoryData } from '../../store/memory/memory-data.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import type { AlertConfig } from '../config/config.ts';
import { startAlerts } from './alerts.ts';
import { AlertOutbox } from './outbox.ts';

const HOUR = 3_600_000;
const at = (threshold: number, period = '2026-03', subject = 'cap a'): Crossing => ({
  type: 'cap.threshold',
  subject,
  period,
  threshold,
  data: { percent: threshold },
});
const both = (): readonly string[] => ['one', 'two'];

function world(): {
  readonly store: HomeStore;
  readonly time: { now: number };
  readonly open: () => Promise<AlertOutbox>;
} {
  const time = { now: 1000 };
  const clock = { now: () => time.now, monotonic: () => 0 };
  const store = openMemoryHome({ home: 'local' as HomeId, clock, data: emptyMemoryData() });
  return { store, time, open: () => AlertOutbox.open(store, () => time.now) };
}
const shown = (outbox: AlertOutbox): unknown =>
  outbox.pending.map(({ receiver, data }) => `${receiver} ${data['percent']}`);

describe('the outbox', () => {
  it('raises a crossing once in its period, whatever else is crossed and whoever opens it', async () => {
    const { open } = world();
    const outbox = await open();
    await outbox.raise([at(50)], both);
    expect(shown(outbox)).toEqual(['one 50', 'two 50']);
    for (const alert of outbox.pending) await outbox.delivered(alert);
    await outbox.raise([at(50), at(80)], () => ['one']);
    expect(shown(outbox)).toEqual(['one 80']);
    const again = await open();
    await again.raise([at(50), at(80)], both);
    expect(shown(again)).toEqual(['one 80']);
    await again.raise([at(50, '2026-04')], () => ['one']);
    expect(shown(again)).toEqual(['one 80', 'one 50']);
    // The period before is looked at too, and was told of.
    await again.raise([at(50), at(80), at(50, '2026-04')], both);
    expect(again.pending).toHaveLength(2);
  });

  it('gives a message one id, and no two messages the same', async () => {
    const { open } = world();
    const outbox = await open();
    await outbox.raise([at(50), at(80), at(50, '2026-03', 'cap b')], both);
    await outbox.raise([at(50, '2026-04')], both);
    const ids = outbox.pending.map(({ id }) => id);
    expect(new Set(ids).size).toBe(8);
    expect((await open()).pending.map(({ id }) => id)).toEqual(ids);
  });

  it('keeps one record a subject, however long it lasts', async () => {
    const { store, open } = world();
    const outbox = await open();
    for (let month = 10; month < 40; month++) {
      await outbox.raise([at(50, `20${month}-01`)], () => ['one']);
      for (const alert of outbox.pending) await outbox.abandon(alert, 'timeout');
    }
    const [record, ...more] = await store.records('alert');
    expect(more).toEqual([]);
    expect(record?.body.length).toBeLessThan(2000);
    expect(outbox.abandoned).toHaveLength(5);
    expect(await store.audit(0, 100)).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ action: 'alert.raised', actor: 'engine' })]),
    );
  });

  it('learns of what another process wrote, and then goes on', async () => {
    const { open } = world();
    const [first, second] = [await open(), await open()];
    await first.raise([at(50)], () => ['one']);
    await expect(second.raise([at(50)], () => ['one'])).rejects.toThrow('changed meanwhile');
    await second.raise([at(50), at(80)], () => ['one']);
    expect(shown(second)).toEqual(['one 50', 'one 80']);
  });
});

it('what nobody takes is given up after its hours, and not before; a webhook that is gone waits as long', async () => {
  const { store, time, open } = world();
  const outbox = await open();
  await outbox.raise([at(50)], () => ['one', 'gone']);
  const lines: string[] = [];
  const receiver: AlertConfig = {
    id: 'one',
    // Nothing listens there.
    url: 'http://127.0.0.1:9/secret-path',
    secret: `whsec_${Buffer.alloc(32).toString('base64')}`,
    caps: [50],
    commitments: [],
    shares: [],
    prepaid: [],
    shortfall: false,
    tranches: false,
    allowPrivate: true,
  };
  const alerts = await startAlerts({
    receivers: [receiver],
    limits: { alertCheckMs: 10, alertTimeoutMs: 1000, alertRetryMs: 10, alertHours: 2 },
    store,
    now: () => time.now,
    balances: () => null,
    statement: async () => null,
    report: (what, error) => lines.push(`${what} ${String(error)}`),
    log: line => lines.push(line),
  });
  await vi.waitFor(() => expect(lines.some(line => line.includes('it is tried again'))).toBe(true));
  time.now += 2 * HOUR - 1;
  await new Promise(resolve => setTimeout(resolve, 100));
  expect((await open()).pending).toHaveLength(2);
  time.now += 1;
  await vi.waitFor(async () => expect((await open()).pending).toHaveLength(0), { timeout: 5000 });
  const { abandoned } = await open();
  expect(Object.fromEntries(abandoned.map(({ receiver: id, why }) => [id, why]))).toEqual({
    gone: 'not configured',
    one: 'ECONNREFUSED',
  });
  await alerts.close();
  expect(lines.join('\n')).not.toMatch(/secret-path|whsec/);
});
