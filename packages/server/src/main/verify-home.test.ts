import { describe, expect, test } from 'vitest';
import { prepare } from '../engine/chain.ts';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { StoredEvent } from '../log/codec.ts';
import type { EventBody } from '../log/events.ts';
import type { SessionRow } from '../log/rows.ts';
import { sha256 } from './digest.ts';
import { verifyHome } from './verify-home.ts';

const tenant = 'acme' as TenantId;

/** A session whose metadata was set `count` times. */
function session(name: string, count: number): { row: SessionRow; events: readonly StoredEvent[] } {
  const origin = { product: 'api', channel: 'direct', segment: 'commercial', stateHeld: true, readings: {} };
  const created = {
    type: 'session.created',
    head: { home: 'local', origin, lineage: [], labels: [], openCalls: [], continues: null },
    payload: { metadata: {} },
  };
  const updates = Array.from({ length: count }, (_, i) => ({
    type: 'session.updated',
    head: {},
    payload: { metadata: { i } },
  }));
  const place = { tenant, session: name as SessionId, actor: 'key:local', at: 1 };
  const bodies = [created, ...updates] as unknown as readonly EventBody[];
  const { events, row } = prepare({ state: null, digest: new Uint8Array(32) }, place, bodies, {
    sha256,
    salt: () => new Uint8Array(16),
  });
  return { events, row };
}

type Sessions = { readonly [name: string]: { row: SessionRow | null; events: readonly StoredEvent[] } };

function store(sessions: Sessions): Parameters<typeof verifyHome>[0] {
  const names = Object.keys(sessions);
  return {
    // Each session twice, as when it got events at two times.
    outbox: async (after, limit) =>
      [...names, ...names]
        .map((name, i) => ({ position: i + 1, tenant, session: name as SessionId, fromSeq: 1, toSeq: 1 }))
        .filter(({ position }) => position > after)
        .slice(0, Math.min(limit, 3)),
    session: async (_, name) => sessions[name]?.row ?? null,
    events: async ({ session: name, from, limit }) =>
      (sessions[name]?.events ?? []).filter(({ seq }) => seq >= from).slice(0, limit),
  };
}

const tampered = (events: readonly StoredEvent[], seq: number, change: Partial<StoredEvent>): readonly StoredEvent[] =>
  events.map(event => (event.seq === seq ? { ...event, ...change } : event));

describe('the chains of a home', () => {
  test('hold, over more events than are read at once', async () => {
    const sessions = { a: session('a', 450), b: session('b', 0), c: session('c', 199), d: session('d', 3) };
    expect(await verifyHome(store(sessions), sha256)).toEqual({ sessions: 4, events: 451 + 1 + 200 + 4, faults: [] });
  });

  test('hold where a payload was erased', async () => {
    const { row, events } = session('a', 3);
    expect(
      (await verifyHome(store({ a: { row, events: tampered(events, 2, { payload: null, salt: null }) } }), sha256))
        .faults,
    ).toEqual([]);
  });

  const good = session('a', 3);
  test.each([
    [
      'a payload',
      { ...good, events: tampered(good.events, 3, { payload: '{"metadata":{}}' }) },
      'a: event 3: the payload does not match its digest',
    ],
    [
      'a head',
      { ...good, events: tampered(good.events, 2, { head: '{"x":1}' }) },
      'a: event 2: the envelope does not match the chain',
    ],
    [
      'a time',
      { ...good, events: tampered(good.events, 1, { at: 2 }) },
      'a: event 1: the envelope does not match the chain',
    ],
    ['a lost tail', { ...good, events: good.events.slice(0, 2) }, 'a: its row stands at event 4, its log ends at 2'],
    ['a lost row', { ...good, row: null }, 'a: it has no row'],
    [
      'a row of another digest',
      { ...good, row: { ...good.row, digest: new Uint8Array(32) } },
      'a: its row has not the digest of its last event',
    ],
    [
      'an event of another session',
      { ...good, events: [...good.events.slice(0, 3), ...session('b', 3).events.slice(3)] },
      'a: event 4: the envelope does not match the chain',
    ],
  ])('break with %s', async (_, a, fault) => {
    const { sessions, faults } = await verifyHome(store({ a, b: session('b', 1) }), sha256);
    expect(sessions).toBe(2);
    expect(faults).toEqual([fault]);
  });
});
