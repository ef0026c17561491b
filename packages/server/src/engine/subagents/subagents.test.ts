/** Sub-agents over an engine with everything real but the upstream: how they are made, told, waited for, stopped, closed, and ended with their session. */
import { expect, test } from 'vitest';
import { EVENT_CODES } from '../../log/codec.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { batches, message, thenHang } from '../scripted-provider.test-support.ts';
import { calls, desk, outcomes, session, TestTools } from '../tools/agent-world.test-support.ts';
import type { ToolDefinition, ToolScope } from '../tools/ports.ts';
import { ACME, codeOf, gate, RIVAL, until, World } from '../world.test-support.ts';
import {
  comesTo,
  firstSaid,
  idsIn,
  lastSaid,
  MULTI,
  outputsOf,
  pair,
  SAID,
  storedState,
  treeEqualsSessions,
  worker,
} from './family.test-support.ts';

const LIST = { order: 'asc', limit: 100, after: null } as const;
const sessionOf = (id: string): string => id.replace('subagent_', 'sess_');

test('an owner makes two, waits for both, and is told what they said', async () => {
  const made = new World();
  pair(made);
  const { engine, reported } = made.boot({ tools: desk(new TestTools()) });
  const id = await session(engine, MULTI);
  await comesTo(engine, id, 'idle');
  expect(reported).toEqual([]);
  expect((await outcomes(engine, id)).map(one => (one as readonly unknown[]).slice(0, 2))).toEqual([
    ['create_subagent', 'done'],
    ['create_subagent', 'done'],
    ['wait_for_subagents', 'done'],
  ]);
  expect(await lastSaid(engine, id)).toBe(SAID);
  await treeEqualsSessions(engine, made, id);
  // All that they used is the session's (Y1): three calls of its own, two of each sub-agent.
  expect((await engine.agentSessions.view(ACME, id)).usage?.output).toBe(7 * 5);
});

test('an agent that does not have it is offered none of the tools', async () => {
  const made = new World();
  const { engine } = made.boot({ tools: desk(new TestTools()) });
  const id = await session(engine);
  await comesTo(engine, id, 'idle');
  expect(JSON.stringify(made.provider.calls[0]?.settings)).not.toContain('create_subagent');
});

test('L4: a session that waits holds nothing; L10: what is foreign is not there; a session with one that runs is not deleted', async () => {
  const made = new World();
  made.provider.follow(call => {
    if (firstSaid(call) !== 'Go') return thenHang([], call);
    const outputs = outputsOf(call);
    if (outputs.length === 0) return batches(calls(['create_subagent', '{"task":"alpha","name":"scout"}']));
    return batches(calls(['wait_for_subagents', JSON.stringify({ agent_ids: idsIn(outputs) })]));
  });
  const { engine } = made.boot({ tools: desk(new TestTools()) });
  const id = await session(engine, MULTI);
  await until(() => storedState(made, id)?.turn?.tools[0]?.status === 'yielded', 'the wait');
  await until(() => engine.busy === 1, 'only the sub-agent running');
  // Nobody has to act: it is under way.
  expect(await engine.agentSessions.view(ACME, id)).toMatchObject({ status: 'in_progress', actions: [] });
  const { data } = await engine.subagents.list(ACME, id, LIST);
  const [one] = data;
  expect(one).toMatchObject({ name: 'scout', instructions: 'alpha', closedAt: null });
  const as = sessionOf(one?.id ?? '');
  for (const asked of [
    engine.agentSessions.view(ACME, as),
    engine.agentSessions.delete(ACME, as),
    engine.agentSessions.post(ACME, as, [{ type: 'agent.session.input.cancel' }], null),
    engine.subagents.list(RIVAL, id, LIST),
  ])
    expect(await codeOf(asked)).toBe('session_not_found');
  expect(await codeOf(engine.subagents.view(ACME, id, 'subagent_no'))).toBe('subagent_not_found');
  expect((await engine.agentSessions.list(ACME, { ...LIST, agent: null, metadata: {} })).data.map(v => v.id)).toEqual([
    id,
  ]);

  expect(await codeOf(engine.agentSessions.delete(ACME, id))).toBe('session_running');
  await engine.agentSessions.post(ACME, id, [{ type: 'agent.session.input.cancel' }], null);
  await until(() => storedState(made, as)?.turn === null, 'the end of what the sub-agent ran');
  expect(storedState(made, id)?.turn).toBeNull();
  await engine.agentSessions.delete(ACME, id);
  // L13: what it was told goes with it.
  for (const of of [id, as]) {
    expect(storedState(made, of)?.phase).toBe('ended');
    const stored = [...made.data.values()].flatMap(data =>
      [...data.sessions.values()].filter(one => one.row.session === of).flatMap(one => one.events),
    );
    expect(stored.filter(event => event.payload !== null)).toEqual([]);
  }
});

test('what is closed runs nothing, with all below it, and is told nothing; opened again it knows what it knew', async () => {
  const made = new World();
  made.provider.follow(call => {
    const outputs = outputsOf(call);
    const task = firstSaid(call);
    if (task === 'deep') return thenHang([], call);
    if (task === 'mid') {
      if (outputs.length === 0) return batches(calls(['create_subagent', '{"task":"deep"}']));
      return thenHang([], call);
    }
    const agent_id = idsIn(outputs)[0] ?? '';
    const steps = [
      () => calls(['create_subagent', '{"task":"mid"}']),
      () => calls(['close_subagent', JSON.stringify({ agent_id })]),
      () => calls(['send_subagent_input', JSON.stringify({ agent_id, input: 'more' })]),
      () => calls(['resume_subagent', JSON.stringify({ agent_id })]),
      () => message('Done.'),
    ];
    return batches(steps[outputs.length]?.() ?? message('?'));
  });
  const tools = new TestTools();
  const { engine } = made.boot({ tools: desk(tools) });
  const id = await session(engine, MULTI);
  await comesTo(engine, id, 'idle');
  const { data } = await engine.subagents.list(ACME, id, LIST);
  expect(data[0]).toMatchObject({ instructions: 'mid', closedAt: null });
  for (const one of data.slice(1))
    expect(one).toMatchObject({ instructions: 'deep', parent: data[0]?.id, closedAt: made.time.wall });
  for (const one of data) expect(storedState(made, sessionOf(one.id))?.turn).toBeNull();
  const ended = (await outcomes(engine, id)) as readonly (readonly string[])[];
  expect(ended[2]).toEqual(['send_subagent_input', 'subagent_closed', expect.any(String)]);
  await treeEqualsSessions(engine, made, id);
});

test('Y2: what is told something while it is closed has ended when whoever closed it is told', async () => {
  const made = new World();
  made.provider.follow(call => {
    if (firstSaid(call) !== 'Go')
      return JSON.stringify(call.context).includes('more') ? thenHang([], call) : batches(message('Ready.'));
    const outputs = outputsOf(call);
    const [agent_id = ''] = idsIn(outputs);
    if (outputs.length === 0) return batches(calls(['create_subagent', '{"task":"alpha"}']));
    if (outputs.length === 1) return batches(calls(['wait_for_subagents', JSON.stringify({ agent_ids: [agent_id] })]));
    if (outputs.length > 2) return batches(message('Done.'));
    const told = JSON.stringify({ agent_id, input: 'more' });
    return batches(calls(['send_subagent_input', told], ['close_subagent', JSON.stringify({ agent_id })]));
  });
  // Its second turn is about to begin when it is closed, and goes on with that afterwards.
  const [begins, closes] = [gate(), gate()];
  class SlowTools extends TestTools {
    override async list(scope?: ToolScope): Promise<readonly ToolDefinition[]> {
      const isMember = storedState(made, scope?.session ?? '')?.subagent !== undefined;
      if (isMember && made.provider.calls.length > 3) {
        begins.open();
        await closes.opened;
      }
      return super.list();
    }
  }
  const closing = EVENT_CODES['subagent.closed'];
  const wrap = (store: HomeStore): HomeStore => ({
    ...store,
    append: async one => {
      if (!one.events.some(({ code }) => code === closing)) return store.append(one);
      await begins.opened;
      const done = await store.append(one);
      setTimeout(() => closes.open(), 50);
      return done;
    },
  });
  const { engine } = made.boot({ tools: desk(new SlowTools()), wrap });
  const id = await session(engine, MULTI);
  await comesTo(engine, id, 'idle');
  const [one] = (await engine.subagents.list(ACME, id, LIST)).data;
  expect(one?.closedAt).not.toBeNull();
  expect(storedState(made, sessionOf(one?.id ?? ''))?.turn).toBeNull();
  const { data } = await engine.subagents.turns(ACME, id, one?.id ?? '', LIST);
  expect(data.map(({ record }) => record.progress.status)).toEqual(['completed', 'cancelled']);
});

test('what is being made when the session is cancelled does not begin after whoever cancelled was told', async () => {
  const made = new World();
  made.provider.follow(call =>
    firstSaid(call) === 'Go' ? batches(calls(['create_subagent', '{"task":"alpha"}'])) : thenHang([], call),
  );
  const [making, cancelled] = [gate(), gate()];
  const wrap = (store: HomeStore): HomeStore => ({
    ...store,
    append: async one => {
      const done = await store.append(one);
      if (one.events.some(({ code }) => code === EVENT_CODES['subagent.created'])) {
        making.open();
        await cancelled.opened;
      }
      return done;
    },
  });
  const { engine } = made.boot({ tools: desk(new TestTools()), wrap });
  const id = await session(engine, MULTI);
  await making.opened;
  const told = engine.agentSessions.post(ACME, id, [{ type: 'agent.session.input.cancel' }], null);
  setTimeout(() => cancelled.open(), 20);
  await told;
  for (let i = 0; i < 200; i++) await new Promise(resolve => setImmediate(resolve));
  const { data } = await engine.subagents.list(ACME, id, LIST);
  expect(data).toHaveLength(1);
  const of = sessionOf(data[0]?.id ?? '');
  expect(storedState(made, of)?.turn ?? null).toBeNull();
  expect(made.provider.calls).toHaveLength(1);
  await engine.agentSessions.delete(ACME, id);
});

test('bounds: how many are open at once, and what a turn and its sub-agents may do together', async () => {
  const made = new World();
  made.provider.follow(call => {
    if (firstSaid(call) !== 'Go') return batches(worker(call));
    const outputs = outputsOf(call);
    if (outputs.length === 0)
      return batches(calls(...[1, 2, 3, 4].map(n => ['create_subagent', `{"task":"t${n}"}`] as const)));
    return batches(message('Done.'));
  });
  const { engine } = made.boot({ tools: desk(new TestTools()) });
  const id = await session(engine, MULTI);
  await comesTo(engine, id, 'idle');
  const codes = ((await outcomes(engine, id)) as readonly (readonly string[])[]).map(one => one[1]);
  expect(codes.map(String).toSorted()).toEqual(['done', 'done', 'done', 'subagent_limit_reached']);

  const bounded = new World();
  pair(bounded);
  // The owner makes three calls, and each sub-agent two: seven together.
  for (const [most, status] of [
    [7, 'completed'],
    [6, 'failed'],
  ] as const) {
    const booted = bounded.boot({ tools: desk(new TestTools(), undefined, { calls: most }) });
    const one = await session(booted.engine, MULTI);
    await comesTo(booted.engine, one, 'idle');
    const { data } = await booted.engine.agentSessions.turns(ACME, one, { order: 'desc', limit: 1, after: null });
    expect(data[0]?.record.progress.status, `${most} calls`).toBe(status);
  }
});

test('L8: who reads what a labelled sub-agent said has its labels', async () => {
  const made = new World();
  pair(made);
  let labels: readonly string[] = [];
  // From the first call on: the session's own turn has begun without.
  made.provider.onCall = async () => void (labels = ['restricted']);
  const agentHost = { surroundings: async () => ({ labels, note: null }) };
  const { engine } = made.boot({ tools: desk(new TestTools()), agentHost });
  const id = await session(engine, MULTI);
  await comesTo(engine, id, 'idle');
  expect(await lastSaid(engine, id)).toBe(SAID);
  expect(storedState(made, id)?.labels).toEqual(['restricted']);
});
