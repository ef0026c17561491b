/** Automations and the sessions that they start and tell: both for real. */
import type OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let agents: OpenAI.Beta.Agents;
beforeAll(async () => {
  stack = await startStack({ clouds: ['azure'] });
  agents = stack.openai().beta.agents;
});
afterAll(() => stack.close());

type Create = OpenAI.Beta.Agents.AutomationCreateParams;
const NONE = { type: 'none' } as const;
const daily = (target: Create['target']): Create => ({
  type: 'periodic',
  name: 'daily',
  expression: '0 8 * * *',
  timezone: 'Europe/Berlin',
  target,
});
const message = (text: string) => ({ role: 'user' as const, content: [{ type: 'input_text' as const, text }] });

async function until<T>(look: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (const end = Date.now() + 20_000; ; ) {
    const value = await look();
    if (good(value)) return value;
    if (Date.now() > end) throw new Error(`not in time: ${JSON.stringify(value)}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
const idle = (id: string) =>
  until(
    () => agents.sessions.retrieve(id),
    session => session.status === 'idle',
  );
async function delivered(id: string): Promise<Awaited<ReturnType<typeof agents.automations.invocations.create>>> {
  const { id: run } = await agents.automations.invocations.create(id);
  return until(
    () => agents.automations.invocations.retrieve(run, { automation_id: id }),
    one => one.status !== 'queued',
  );
}
async function said(session: string): Promise<readonly string[]> {
  const items = [];
  for await (const item of agents.sessions.items.list(session, { order: 'asc' })) items.push(item);
  return items.flatMap(item =>
    item.type === 'message' && item.role === 'user'
      ? item.content.map(part => (part.type === 'input_text' ? part.text : ''))
      : [],
  );
}

test('a run starts a session, which answers', async () => {
  const made = await agents.automations.create(
    daily({
      type: 'new_session',
      agent: { model: MODEL, instructions: 'Be brief.' },
      environment: NONE,
      input: [message('My dog is called Rex.')],
      metadata: { team: 'a' },
    }),
  );
  const [first, second] = [await delivered(made.id), await delivered(made.id)];
  expect(first).toMatchObject({ status: 'completed', error: null });
  expect(second.session_id).not.toBe(first.session_id);
  const session = await idle(first.session_id ?? '');
  expect(session).toMatchObject({ metadata: { team: 'a' }, agent: { model: MODEL, instructions: 'Be brief.' } });
  expect(await said(session.id)).toEqual(['My dog is called Rex.']);
  expect((await agents.sessions.turns.list(session.id)).data).toMatchObject([{ status: 'completed' }]);
});

test('a run tells a session that is there, and one that is deleted ends it', async () => {
  const session = await agents.sessions.create({ environment: NONE, agent: { model: MODEL }, input: 'Hello.' });
  await idle(session.id);
  const target = { type: 'existing_session', session_id: session.id, instructions: 'Look at the mail.' } as const;
  const made = await agents.automations.create(daily(target));
  expect(await delivered(made.id)).toMatchObject({ status: 'completed', session_id: session.id });
  await idle(session.id);
  expect(await said(session.id)).toEqual(['Hello.', 'Look at the mail.']);
  await agents.sessions.delete(session.id);
  expect(await delivered(made.id)).toMatchObject({ status: 'failed', error: { code: 'session_not_found' } });
  expect((await agents.automations.retrieve(made.id)).status).toBe('paused');
  expect(await failureOf(agents.automations.create(daily(target)))).toMatchObject({
    status: 400,
    param: 'target.session_id',
  });
});

test('a session that is busy is told once it is idle', async () => {
  const session = await agents.sessions.create({
    environment: NONE,
    agent: { model: MODEL },
    input: 'Tell me a lot. [[words: 60]] [[latency: 20]]',
  });
  const made = await agents.automations.create(
    daily({ type: 'existing_session', session_id: session.id, instructions: 'And now?' }),
  );
  const { id } = await agents.automations.invocations.create(made.id);
  expect((await agents.automations.invocations.create(made.id)).skip_reason).toBe('pending_delivery');
  await until(
    () => agents.automations.invocations.retrieve(id, { automation_id: made.id }),
    one => one.status === 'completed',
  );
  await idle(session.id);
  // Two turns: the first was not steered.
  expect((await agents.sessions.turns.list(session.id)).data).toHaveLength(2);
});

test('what a session would be refused for, its automation is refused for', async () => {
  const target: Create['target'] = {
    type: 'new_session',
    agent: { model: 'none' },
    environment: NONE,
    input: [message('x')],
  };
  expect(await failureOf(agents.automations.create(daily(target)))).toMatchObject({
    code: 'model_not_found',
    param: 'target.agent.model',
  });
});

test('an agent with the tool uses it', async () => {
  const session = await agents.sessions.create({
    environment: NONE,
    agent: { model: MODEL, tools: [{ type: 'automations' }] },
    input: 'Use list_automations.',
  });
  await idle(session.id);
  const items = (await agents.sessions.items.list(session.id, { order: 'asc' })).data;
  expect(items).toContainEqual(expect.objectContaining({ type: 'function_call', name: 'list_automations' }));
  expect(items).toContainEqual(
    expect.objectContaining({ type: 'function_call_output', output: JSON.stringify({ automations: [] }) }),
  );
});
