/** Approvals and meters are proven by the ids that people know: of the approval, and of the placement of the call. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { calls, desk, session, TestTools } from '../../engine/tools/agent-world.test-support.ts';
import { batches, message } from '../../engine/scripted-provider.test-support.ts';
import { ACME, type Booted, World } from '../../engine/world.test-support.ts';
import type { HomeId } from '../../kernel/ids.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { openSqliteHome } from '../../store/sqlite/open-sqlite-home.ts';
import { perdure } from '../cli/captured-io.test-support.ts';
import { openLogs } from './place.ts';

const dir = mkdtempSync(join(tmpdir(), 'perdure-evidence-'));
const world = new World();
let store: HomeStore;
let booted: Booted;
/** In the order in which they were asked for: granted, denied, not answered. */
let approvals: readonly string[];
let placements: readonly string[];

const idle = async (id: string, status: string): Promise<void> => {
  while ((await booted.engine.agentSessions.view(ACME, id)).status !== status)
    await new Promise(resolve => setTimeout(resolve, 10));
};

async function asks(): Promise<{ readonly id: string; readonly approval: string }> {
  world.provider.inTurn(
    () => batches(calls(['once', '{}'])),
    () => batches(message('Done.')),
  );
  const id = await session(booted.engine);
  await idle(id, 'requires_action');
  const log = await store.events({ tenant: ACME.tenant, session: id as never, from: 1, limit: 100 });
  const head = log.map(event => event.head).find(text => text.includes('appr_')) ?? '';
  return { id, approval: /appr_\w+/.exec(head)?.[0] ?? '' };
}

beforeAll(async () => {
  store = await openSqliteHome({ dir, home: 'local' as HomeId, clock: world.clock });
  booted = world.bootOn([store], { tools: desk(new TestTools(), () => 'ask') });
  const [granted, denied, open] = [await asks(), await asks(), await asks()];
  // Others' answers lie between an approval and its own.
  await booted.engine.approvals.deny(ACME.tenant, denied.approval, 'key:boss', 'no');
  await booted.engine.approvals.grant(ACME.tenant, granted.approval, 'key:boss');
  for (const { id } of [granted, denied]) await idle(id, 'idle');
  approvals = [granted, denied, open].map(({ approval }) => approval);
  const page = await booted.engine.placements(ACME, { order: 'asc', limit: 20, session: granted.id });
  placements = page.placements.map(({ id }) => id);
  for (const { sealer, close } of await openLogs({
    data: dir,
    homes: ['local'],
    key: join(dir, 'ledger.key'),
    origin: 'perdure',
  })) {
    while ((await sealer.seal()).more);
    close();
  }
});

afterAll(async () => {
  await booted.engine.drain(1000);
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Shown {
  readonly kind: string;
  readonly name: string;
  readonly envelope: string;
}

async function bundle(...args: readonly string[]): Promise<Shown> {
  const { out, err } = await perdure(['ledger', 'bundle', ...args, '--data', dir], { cwd: dir });
  if (out === '') throw new Error(err);
  const { dsseEnvelope } = JSON.parse(out) as { dsseEnvelope: { payload: string } };
  const { subject, predicate } = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as {
    subject: { name: string }[];
    predicate: { leaf: string; opening: { envelope: string } };
  };
  const { kind } = JSON.parse(Buffer.from(predicate.leaf, 'base64').toString()) as { kind: string };
  return { kind, name: subject[0]?.name ?? '', envelope: predicate.opening.envelope };
}

test('an approval is proven by its id, once it was answered: its own answer, and nobody else’s', async () => {
  for (const [index, who] of [0, 1].entries()) {
    const id = approvals[who] ?? '';
    const { kind, name, envelope } = await bundle(id);
    expect([index, kind, name]).toEqual([index, 'approval', id]);
    expect(envelope).toContain(`"approval":"${id}"`);
    expect((await perdure(['ledger', 'prove', id, '--data', dir], { cwd: dir })).out).toContain('tlog-proof@v1');
  }
  const open = await perdure(['ledger', 'bundle', approvals[2] ?? '', '--data', dir], { cwd: dir });
  expect([open.code, open.err]).toEqual([1, expect.stringContaining('once it was granted or denied')]);
});

test('a meter is proven by the placement of its call, and is no placement', async () => {
  const [state = '', first = '', second = ''] = placements;
  for (const [id, call] of [
    [first, ''],
    [second, '"call":2'],
  ] as const) {
    const meter = await bundle(id, '--meter');
    expect([meter.kind, meter.name]).toEqual(['meter', `${id}#meter`]);
    expect(meter.envelope).toContain('"usage"');
    expect(meter.envelope).toContain(call);
    expect(meter.envelope.includes('"call":')).toBe(call !== '');
    expect((await bundle(id)).kind).toBe('placement');
  }
  for (const id of [state, approvals[0] ?? '', 'plc_nothing']) {
    const { code, err } = await perdure(['ledger', 'prove', id, '--meter', '--data', dir], { cwd: dir });
    expect([id, code, err]).toEqual([id, 1, expect.stringContaining(`there is no meter of ${id}`)]);
  }
});
