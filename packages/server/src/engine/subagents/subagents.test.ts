/** Sub-agents over an engine with everything real but the upstream: how they are made, told, waited for, stopped, closed, and ended with their session. */
import { expect, test } from 'vitest';
import { batches, message, thenHang } from '../scripted-provider.test-support.ts';
import { calls, desk, outcomes, session, TestTools } from '../tools/agent-world.test-support.ts';
import { ACME, codeOf, RIVAL, until, World } from '../world.test-support.ts';
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
