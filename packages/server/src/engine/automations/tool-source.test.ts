import { expect, test } from 'vitest';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { ToolOutcome, ToolScope, ToolSource } from '../tools/ports.ts';
import { AUTOMATIONS_OF_AGENT, makeAutomationTools } from './tool-source.ts';
import { CALLER, openWorld, START, type TestWorld, wanted } from './world.test-support.ts';

const SCOPE: ToolScope = {
  tenant: CALLER.tenant,
  session: 'sess_there' as SessionId,
  principal: CALLER.principal,
  agent: { tools: [{ type: 'automations' }] },
  environment: { type: 'none' },
  vaults: [],
  labels: [],
};
const open = async (): Promise<{ world: TestWorld; tools: ToolSource }> => {
  const world = await openWorld({ perTenant: 100 });
  world.sessions.sessions.add('sess_other');
  return { world, tools: makeAutomationTools(world.desk, world.deps) };
};
let calls = 0;
const call = async (
  tools: ToolSource,
  name: string,
  args: JsonObject,
  { scope = SCOPE, callId = `call_${++calls}` }: { scope?: ToolScope; callId?: string } = {},
): Promise<ToolOutcome> => {
  const tool = (await tools.list(scope, AbortSignal.timeout(1_000))).find(one => one.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  const run = {
    callId,
    key: callId,
    arguments: args,
    signal: AbortSignal.timeout(1_000),
    show: () => undefined,
    answer: null,
  };
  return tools.run(scope, tool, run);
};
const outputOf = (outcome: ToolOutcome): { readonly [name: string]: unknown } => {
  if (outcome.ok !== true) throw new Error(JSON.stringify(outcome));
  return JSON.parse(outcome.output as string) as { readonly [name: string]: unknown };
};
const WAKE = { name: 'Wake up', instructions: 'Look again.', expression: '0 * * * *' };

test('it is there for agents that have it', async () => {
  const { tools } = await open();
  const names = async (agent: JsonObject) =>
    (await tools.list({ ...SCOPE, agent }, AbortSignal.timeout(1_000))).map(one => one.name);
  expect(await names({ tools: [{ type: 'tool_search' }] })).toEqual([]);
  expect(await names({})).toEqual([]);
  expect(await names(SCOPE.agent)).toEqual([
    'create_automation',
    'list_automations',
    'update_automation',
    'delete_automation',
  ]);
});

test('an agent wakes itself up, and who made it is recorded', async () => {
  const { world, tools } = await open();
  const made = outputOf(await call(tools, 'create_automation', WAKE, { callId: 'call_a' }));
  expect(made).toMatchObject({ name: 'Wake up', timezone: 'UTC', status: 'active', next_run_at: START / 1000 + 3_600 });
  const kept = await world.desk.read(CALLER, String(made['id']));
  expect(kept.createdBy).toEqual({ type: 'agent', session_id: 'sess_there', tool_call_id: 'call_a' });
  await world.pass(3_600_000);
  expect([...world.sessions.told.values()]).toEqual([{ session: 'sess_there', text: 'Look again.' }]);
  const once = { name: 'Later', instructions: 'x', run_at: world.now / 1000 + 60 };
  expect(outputOf(await call(tools, 'create_automation', once))).toMatchObject({ run_at: once.run_at });
  expect(outputOf(await call(tools, 'list_automations', {}))['automations']).toHaveLength(2);
});

test('L6: the same call again makes no second one', async () => {
  const { world, tools } = await open();
  const first = outputOf(await call(tools, 'create_automation', WAKE, { callId: 'call_twice' }));
  expect(outputOf(await call(tools, 'create_automation', WAKE, { callId: 'call_twice' }))).toEqual(first);
  expect(outputOf(await call(tools, 'create_automation', WAKE))['id']).not.toBe(first['id']);
  expect(await world.store.countResources({ kind: 'automation', tenant: CALLER.tenant })).toBe(2);
  const gone = { automation_id: String(first['id']) };
  for (let i = 0; i < 2; i++) expect(outputOf(await call(tools, 'delete_automation', gone))).toEqual({ deleted: true });
});

test('it changes what is given, pauses and resumes', async () => {
  const { world, tools } = await open();
  const id = String(outputOf(await call(tools, 'create_automation', WAKE))['id']);
  const change = { automation_id: id, instructions: 'Sleep.', expression: '30 * * * *', paused: true };
  expect(outputOf(await call(tools, 'update_automation', change))).toMatchObject({
    instructions: 'Sleep.',
    name: 'Wake up',
    status: 'paused',
    next_run_at: null,
  });
  const on = { automation_id: id, paused: false };
  expect(outputOf(await call(tools, 'update_automation', on))).toMatchObject({ status: 'active' });
  await world.pass(1_800_000);
  expect([...world.sessions.told.values()].map(one => one.text)).toEqual(['Sleep.']);
});

test('it reaches nothing that it did not make: not of a developer, another session, another tenant', async () => {
  const { world, tools } = await open();
  const developers = await world.desk.create(CALLER, wanted());
  const other = { ...SCOPE, session: 'sess_other' as SessionId };
  const others = outputOf(await call(tools, 'create_automation', WAKE, { scope: other }));
  for (const id of [developers.id, String(others['id']), 'auto_none']) {
    expect(await call(tools, 'update_automation', { automation_id: id, name: 'x' })).toMatchObject({
      ok: false,
      code: 'automation_not_found',
    });
    await call(tools, 'delete_automation', { automation_id: id });
  }
  expect(outputOf(await call(tools, 'list_automations', {}))).toEqual({ automations: [] });
  expect((await world.desk.read(CALLER, developers.id)).name).toBe('daily');
  expect((await world.desk.read(CALLER, String(others['id']))).name).toBe('Wake up');
  const foreign = { ...SCOPE, tenant: 'other' as TenantId };
  expect(await call(tools, 'list_automations', {}, { scope: foreign })).toMatchObject({ code: 'principal_revoked' });
});

test('what the model does wrong it is told', async () => {
  const { tools } = await open();
  const codeOf = async (args: JsonObject, name = 'create_automation') => {
    const outcome = await call(tools, name, args);
    return outcome.ok === false ? outcome.code : outcome.ok;
  };
  expect(await codeOf({ name: 'x', instructions: 'y' })).toBe('invalid_request');
  expect(await codeOf({ ...WAKE, run_at: START / 1000 + 60 })).toBe('invalid_request');
  expect(await codeOf({ ...WAKE, expression: 'soon' })).toBe('invalid_request');
  expect(await codeOf({ ...WAKE, timezone: 'Mars/Base' })).toBe('invalid_request');
  expect(await codeOf({ ...WAKE, instructions: 7 })).toBe('invalid_request');
  expect(await codeOf({ automation_id: 7 }, 'update_automation')).toBe('automation_not_found');
});

test('a session has as many as it may', async () => {
  const { tools } = await open();
  for (let i = 0; i < AUTOMATIONS_OF_AGENT; i++) expect((await call(tools, 'create_automation', WAKE)).ok).toBe(true);
  expect(await call(tools, 'create_automation', WAKE)).toMatchObject({ ok: false, code: 'automation_limit_reached' });
  const elsewhere = { ...SCOPE, session: 'sess_other' as SessionId };
  expect((await call(tools, 'create_automation', WAKE, { scope: elsewhere })).ok).toBe(true);
});
