/** A turn of as many calls as its ids can count: each is found by the id that the list tells, in the engine and for the ledger. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HomeId, idBody, MAX_TURN_CALLS, placementId, type SessionId } from '../kernel/ids.ts';
import { toHex } from '../ledger/base64.ts';
import { leafOfPlacement, openLedgerOpenings } from '../store/sqlite/ledger-openings.ts';
import { openSqliteHome } from '../store/sqlite/open-sqlite-home.ts';
import type { PlacementRecord } from './placements.ts';
import type { HomeStore } from '../store/home-store.ts';
import { batches, message } from './scripted-provider.test-support.ts';
import { calls, desk, session, shown, TestTools } from './tools/agent-world.test-support.ts';
import { ACME, ask, type Booted, codeOf, request, RIVAL, World } from './world.test-support.ts';

/** Allows all, and has a clause about running tools: so each run is placed. */
const RULES = {
  'contract.yaml':
    'id: house\nversion: "1"\ntitle: House rules\nkind: house-rules\nsources: {s: {title: Nobody}}\nclauses:\n  base: {source: s, confidence: A, summary: all}\n  it: {source: s, confidence: A, summary: it}\n',
  'clauses.cedar':
    '@id("base") permit (principal, action, resource);\n@id("it") @cite("rule 7") forbid (principal, action == Action::"execute", resource) when { context.tool.name == "none" };',
};

const dir = mkdtempSync(join(tmpdir(), 'perdure-long-turn-'));
const world = new World({ contracts: ['none', RULES], limits: { turnMs: 600_000 } });
let store: HomeStore;
let booted: Booted;
let agent: string;
let listed: readonly PlacementRecord[];

async function all(): Promise<readonly PlacementRecord[]> {
  const found: PlacementRecord[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const query = { order: 'asc', limit: 100, session: agent, ...(after !== undefined && { after }) } as const;
    const page = await booted.engine.placements(ACME, query);
    found.push(...page.placements);
    after = page.next;
  }
  return found;
}

beforeAll(async () => {
  store = await openSqliteHome({ dir, home: 'local' as HomeId, clock: world.clock });
  // Every call asks for a tool, so that the model is called again: without end.
  world.provider.follow((_, n) => batches(n > MAX_TURN_CALLS + 5 ? message('Done.') : calls(['safe', '{}'])));
  const limits = { calls: 5000, tools: 5000 };
  booted = world.bootOn([store], { tools: desk(new TestTools(), () => 'permit', limits) });
  agent = await session(booted.engine);
  while ((await booted.engine.agentSessions.view(ACME, agent)).status !== 'idle')
    await new Promise(resolve => setTimeout(resolve, 50));
  listed = await all();
}, 300_000);

afterAll(async () => {
  await booted.engine.drain(1000);
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const inferred = (): readonly PlacementRecord[] => listed.filter(({ action }) => action === 'infer');

test('the last call that ids can count is made, and the one after it ends the turn with what it was refused for', async () => {
  expect(inferred()).toHaveLength(MAX_TURN_CALLS);
  const last = (await shown(booted.engine, agent)).at(-1);
  expect(JSON.parse(last?.json ?? '{}')).toMatchObject({
    response: {
      status: 'failed',
      error: { code: 'turn_limit_reached', message: expect.stringContaining('1022 times') },
    },
  });
  expect(booted.reported).toEqual([]);
});

const CALLS = [1, 30, 31, 64, 65, 600, MAX_TURN_CALLS];

describe.each(CALLS)('call %i', call => {
  test('is found by its id, as the list tells it, by its tenant alone', async () => {
    const placement = inferred()[call - 1];
    expect(placement?.id).toBe(placementId(idBody(placement?.response ?? '', 'resp') ?? '', call));
    expect(await booted.engine.placement(ACME, placement?.id ?? '')).toEqual(placement);
    expect(placement?.call.status).toBe('completed');
    expect(await codeOf(booted.engine.placement(RIVAL, placement?.id ?? ''))).toBe('placement_not_found');
  });

  test('has a leaf that is its own, and so has the run of its tool', async () => {
    const tool = listed.filter(({ action }) => action === 'execute')[call - 1];
    expect(await booted.engine.placement(ACME, tool?.id ?? '')).toEqual(tool);
    const openings = openLedgerOpenings(dir, 'local');
    try {
      for (const one of [inferred()[call - 1], tool]) {
        const leaf = leafOfPlacement(openings, one?.id ?? '');
        const opening = leaf === null ? null : openings.opening(leaf);
        const [event] = await store.events({
          tenant: ACME.tenant,
          session: agent as SessionId,
          from: Number(/^\[\d+,"acme","\w+",(\d+)/.exec(opening?.envelope ?? '')?.[1] ?? 0),
          limit: 1,
        });
        expect(opening?.kind).toBe('placement');
        expect(toHex(opening?.digest ?? new Uint8Array())).toBe(toHex(event?.digest ?? new Uint8Array(1)));
        if (one?.action === 'infer' && call > 1) expect(event?.head).toContain(`"call":${call},`);
      }
    } finally {
      openings.close();
    }
  });
});

test('a list goes on after a late call', async () => {
  const query = { order: 'asc', limit: 1, session: agent, after: inferred()[599]?.id ?? '' } as const;
  expect((await booted.engine.placements(ACME, query)).placements).toEqual([
    listed[listed.indexOf(inferred()[599] as PlacementRecord) + 1],
  ]);
});

test('no number that no call of the turn has names another; a session names no call of its turns', async () => {
  const [first] = inferred();
  const body = idBody(first?.response ?? '', 'resp') ?? '';
  const openings = openLedgerOpenings(dir, 'local');
  for (const id of [placementId(body, MAX_TURN_CALLS + 1), placementId(idBody(agent, 'sess') ?? '', 1)]) {
    expect(await codeOf(booted.engine.placement(ACME, id))).toBe('placement_not_found');
    expect(leafOfPlacement(openings, id)).toBeNull();
  }
  openings.close();
});

test('a turn and a stateless call: found by their ids, the turn’s also once it was deleted', async () => {
  world.provider.follow(() => batches(message('Hi')));
  const { placements: before } = await booted.engine.placements(ACME, { order: 'desc', limit: 1 });
  const { id, done } = await ask(booted.engine);
  await done;
  const alone = { request: request({ store: false }), extra: {}, labels: [], idempotency: null };
  const call = await booted.engine.stateless({ caller: ACME, ...alone, signal: new AbortController().signal });
  await call.answer();
  const query = { order: 'asc', limit: 10, after: before[0]?.id ?? '' } as const;
  const made = async () => (await booted.engine.placements(ACME, query)).placements;
  // The meter of a stateless call is committed after its answer.
  let placements = await made();
  while (placements.some(({ call: { status } }) => status === 'open')) placements = await made();
  expect(placements.map(({ action, origin }) => [action, origin.stateHeld])).toEqual([
    ['place_state', true],
    ['infer', true],
    ['infer', false],
  ]);
  await booted.engine.deleteResponse(ACME, id);
  const openings = openLedgerOpenings(dir, 'local');
  for (const placement of placements) {
    expect(await booted.engine.placement(ACME, placement.id)).toEqual(placement);
    expect(leafOfPlacement(openings, placement.id)?.kind).toBe('placement');
  }
  openings.close();
});
