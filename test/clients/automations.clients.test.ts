/**
 * Every method that the official client has for automations, against a real server. The sessions are stood in for: what starts and tells
 * them is another part, and only what it was asked is looked at here.
 */
import type { OpenAI } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectSessions } from '../../packages/server/src/main/automations/start.ts';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { failureOf } from '../support/failure.ts';
import { type Stack, startStack } from '../support/stack.ts';

type Create = OpenAI.Beta.Agents.AutomationCreateParams;

const started = new Map<string, { readonly id: string; readonly body: unknown; readonly principal: string }>();
const told: (readonly [session: string, text: string])[] = [];
const sessions: ConnectSessions = () => ({
  check: async () => undefined,
  start: async ({ principal }, body, key) => {
    const one = started.get(key) ?? { id: `sess_${started.size + 1}`, body, principal };
    started.set(key, one);
    return one;
  },
  send: async (_caller, session, text) => {
    told.push([session, text]);
    return 'sent';
  },
  state: async (_caller, session) => (session === 'sess_there' ? 'ready' : 'gone'),
});

let stack: Stack;
let automations: OpenAI.Beta.Agents.Automations;
beforeAll(async () => {
  stack = await startStack({ automationSessions: sessions });
  automations = stack.openai().beta.agents.automations;
});
afterAll(() => stack.close());

const NEW: Create['target'] = {
  type: 'new_session',
  agent: {
    model: 'gpt-5.5',
    instructions: 'Be brief.',
    tools: [
      {
        type: 'mcp',
        server_label: 'docs',
        transport: { type: 'http', server_url: 'https://docs.example/mcp', authorization: 'Bearer hush' },
      },
      { type: 'automations' },
    ],
  },
  environment: {
    type: 'openai_hosted',
    env: { TOKEN: 'hush' },
    setup_commands: [{ command: 'echo hush' }],
    files: [{ type: 'inline', path: '/workspace/a.txt', data: 'aHVzaA==' }],
    network: { access: 'restricted', allowed_domains: ['example.com'] },
  },
  input: [{ role: 'user', content: [{ type: 'input_text', text: 'Write the report.' }] }],
  metadata: { team: 'a' },
};
const periodic = (over: Partial<OpenAI.Beta.Agents.CreateAutomationParamsPeriodic> = {}): Create => ({
  type: 'periodic',
  name: 'Morning report',
  expression: '0 8 * * MON-FRI',
  timezone: 'Europe/Berlin',
  target: { type: 'existing_session', session_id: 'sess_there', instructions: 'Look at the mail.' },
  ...over,
});
const soon = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
/** Until the server has done it by itself. */
async function until<T>(look: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (const end = Date.now() + 20_000; ; ) {
    const value = await look();
    if (good(value)) return value;
    if (Date.now() > end) throw new Error(`not in time: ${JSON.stringify(value)}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

test('create, retrieve, update, list, delete', async () => {
  const made = await automations.create(periodic({ metadata: { a: '1' } }));
  expect(made).toEqual({
    id: made.id,
    object: 'agent.automation',
    created_at: expect.any(Number),
    created_by: { type: 'developer' },
    metadata: { a: '1' },
    name: 'Morning report',
    type: 'periodic',
    expression: '0 8 * * MON-FRI',
    timezone: 'Europe/Berlin',
    status: 'active',
    target: { type: 'existing_session', session_id: 'sess_there', instructions: 'Look at the mail.' },
  });
  expect(await automations.retrieve(made.id)).toEqual(made);
  const changed = await automations.update(made.id, { name: 'Report', expression: '0 9 * * *', metadata: {} });
  expect(changed).toEqual({ ...made, name: 'Report', expression: '0 9 * * *', metadata: {} });
  const other = await automations.create(periodic({ target: NEW }));
  const seen: string[] = [];
  for await (const one of automations.list({ limit: 1, order: 'asc' })) seen.push(one.id);
  expect(seen).toEqual([made.id, other.id]);
  expect((await automations.list({ session_id: 'sess_there' })).data.map(one => one.id)).toEqual([made.id]);
  for (const { id } of [made, other])
    expect(await automations.delete(id)).toEqual({ id, object: 'agent.automation.deleted', deleted: true });
  expect(await failureOf(automations.retrieve(made.id))).toMatchObject({ status: 404, code: 'automation_not_found' });
  expect((await automations.list()).data).toEqual([]);
});

test('a new session: what is shown has every field and nothing that is confidential', async () => {
  const made = await automations.create(periodic({ target: NEW }));
  expect(JSON.stringify(made)).not.toContain('hush');
  expect(made.target).toMatchObject({
    type: 'new_session',
    agent_id: null,
    agent: {
      model: 'gpt-5.5',
      instructions: 'Be brief.',
      multi_agent: { enabled: false, max_concurrent_subagents: null },
      reasoning: { effort: null, summary: null },
      service_tier: 'auto',
      text: { format: { type: 'text' }, verbosity: 'medium' },
      tools: [
        { type: 'mcp', server_label: 'docs', transport: { server_url: 'https://docs.example/mcp' } },
        { type: 'automations' },
      ],
    },
    environment: {
      type: 'openai_hosted',
      environment_id: null,
      container_size: null,
      network: { access: 'restricted', allowed_domains: ['example.com'] },
      files: [{ type: 'inline', path: '/workspace/a.txt', size_bytes: 4 }],
    },
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Write the report.' }] }],
    metadata: { team: 'a' },
    vault_ids: [],
  });
  await automations.delete(made.id);
});

test('pause and resume', async () => {
  const { id } = await automations.create(periodic());
  expect((await automations.pause(id)).status).toBe('paused');
  expect((await automations.retrieve(id)).status).toBe('paused');
  expect((await automations.resume(id)).status).toBe('active');
  await automations.delete(id);
});

test('invocations: a run that is asked for is delivered; retrieve and list', async () => {
  const { id } = await automations.create(periodic({ target: NEW }));
  const run = await automations.invocations.create(id);
  expect(run).toEqual({
    id: run.id,
    object: 'agent.automation.invocation',
    automation_id: id,
    created_at: expect.any(Number),
    error: null,
    scheduled_at: null,
    session_id: null,
    skip_reason: null,
    source: { type: 'manual' },
    status: 'queued',
  });
  const over = await until(
    () => automations.invocations.retrieve(run.id, { automation_id: id }),
    one => one.status !== 'queued',
  );
  expect(over).toEqual({ ...run, status: 'completed', session_id: started.get(run.id)?.id });
  const { type: _type, ...body } = NEW;
  expect(started.get(run.id)).toMatchObject({ body, principal: 'local' });
  const seen: string[] = [];
  for await (const one of automations.invocations.list(id, { limit: 1 })) seen.push(one.id);
  expect(seen).toEqual([run.id]);
  expect(await failureOf(automations.invocations.retrieve('inv_none', { automation_id: id }))).toMatchObject({
    status: 404,
    code: 'invocation_not_found',
  });
  await automations.delete(id);
});

test('a single run comes by itself, also if the server was away when it was due', async () => {
  const target = { type: 'existing_session', session_id: 'sess_there', instructions: 'Now.' } as const;
  const now = await automations.create({ type: 'once', name: 'now', run_at: soon(2), target });
  const away = await automations.create({
    type: 'once',
    name: 'away',
    run_at: soon(4),
    target: { ...target, instructions: 'Late.' },
  });
  const state = async (id: string) => ({
    ...(await automations.retrieve(id)),
    runs: (await automations.invocations.list(id)).data,
  });
  const first = await until(
    () => state(now.id),
    one => one.status === 'completed',
  );
  expect(first.runs).toMatchObject([
    {
      status: 'completed',
      session_id: 'sess_there',
      source: { type: 'automation', automation: { id: now.id, status: 'active' } },
    },
  ]);
  await stack.stop();
  await new Promise(resolve => setTimeout(resolve, 4_000));
  await stack.restart();
  automations = stack.openai().beta.agents.automations;
  const second = await until(
    () => state(away.id),
    one => one.status === 'completed',
  );
  expect(second.runs).toMatchObject([
    { status: 'completed', scheduled_at: second.type === 'once' ? second.run_at : 0 },
  ]);
  expect(told).toEqual([
    ['sess_there', 'Now.'],
    ['sess_there', 'Late.'],
  ]);
});

test('what is wrong is refused by its name', async () => {
  const refused = async (body: object): Promise<unknown> => {
    const { status, code, param } = (await failureOf(automations.create(body as Create))) as {
      status: number;
      code: string;
      param: string;
    };
    return `${status} ${code} ${param}`;
  };
  const target = periodic().target as object;
  expect(await refused(periodic({ expression: '0 8 * *' }))).toBe('400 invalid_request expression');
  expect(await refused(periodic({ expression: '@daily' }))).toBe('400 invalid_request expression');
  expect(await refused(periodic({ expression: '0 8 L * *' }))).toBe('400 invalid_request expression');
  expect(await refused(periodic({ expression: '0 0 30 2 *' }))).toBe('400 invalid_request expression');
  expect(await refused(periodic({ timezone: 'Nowhere' }))).toBe('400 invalid_request timezone');
  expect(await refused({ ...periodic(), type: 'hourly' })).toBe('400 unsupported_parameter type');
  expect(await refused({ type: 'once', name: 'x', run_at: soon(-1), target })).toBe('400 invalid_request run_at');
  expect(await refused(periodic({ name: 'x'.repeat(257) }))).toBe('400 invalid_request name');
  expect(await refused(periodic({ target: { ...target, session_id: 'sess_none' } as Create['target'] }))).toBe(
    '400 invalid_request target.session_id',
  );
  expect(await refused(periodic({ target: { ...NEW, agent_id: 'agent_1' } as Create['target'] }))).toBe(
    '400 invalid_request target',
  );
  const large = { ...NEW, input: [{ role: 'user', content: [{ type: 'input_text', text: 'x'.repeat(262_144) }] }] };
  expect(await refused(periodic({ target: large as Create['target'] }))).toBe('400 invalid_request target');
});

test('what runs in the name of a key stops when it is revoked', async () => {
  const keyed = await startStack({
    automationSessions: sessions,
    config: {
      keys: [{ name: 'ops', secret: 'a-secret-of-sixteen', scopes: ['inference', 'admin', 'operator'] }] as never,
    },
  });
  try {
    const ops = 'a-secret-of-sixteen';
    const answer = await keyed.request('POST', '/perdure/v1/keys', { key: ops, body: { name: 'agent' } });
    const { id: key, secret } = (await answer.json()) as { id: string; secret: string };
    const made = await keyed.openai(secret).beta.agents.automations.create(periodic({ target: NEW }));
    const mine = keyed.openai(ops).beta.agents.automations;
    await keyed.request('DELETE', `/perdure/v1/keys/${key}`, { key: ops });
    const run = await mine.invocations.create(made.id);
    const over = await until(
      () => mine.invocations.retrieve(run.id, { automation_id: made.id }),
      one => one.status !== 'queued',
    );
    expect(over).toMatchObject({ status: 'failed', error: { code: 'principal_revoked' } });
    expect((await mine.retrieve(made.id)).status).toBe('paused');
    await mine.resume(made.id);
    const again = await mine.invocations.create(made.id);
    await until(
      () => mine.invocations.retrieve(again.id, { automation_id: made.id }),
      one => one.status === 'completed',
    );
    expect(started.get(again.id)?.principal).toBe('config:ops');
  } finally {
    await keyed.close();
  }
});

test('the command line lists, shows, pauses, resumes and runs', async () => {
  const run = (...argv: readonly string[]) =>
    perdure(['automations', ...argv], { cwd: stack.data, env: { PERDURE_URL: stack.url } });
  const { id } = await automations.create(periodic({ name: 'By hand', target: NEW }));
  const listed = await run('list');
  expect(listed).toMatchObject({ code: 0, err: '' });
  expect(listed.out).toMatch(/^ID +STATUS +SCHEDULE +TARGET +MADE BY +NAME$/m);
  expect(listed.out).toContain('0 8 * * MON-FRI (Europe/Berlin)');
  expect(listed.out).toMatch(/new session of gpt-5.5 +developer +By hand$/m);
  expect((await run('list', '--session', 'sess_none')).out).toBe('There are no automations.\n');
  expect((await run('pause', id)).out).toBe(`${id} is paused\n`);
  expect((await run('show', id)).out).toMatch(/status +paused[\s\S]*It has not run yet/);
  expect((await run('resume', id)).out).toBe(`${id} is active\n`);
  const ran = await run('run', id, '--json');
  const invocation = (JSON.parse(ran.out) as { id: string }).id;
  await until(
    () => automations.invocations.retrieve(invocation, { automation_id: id }),
    one => one.status === 'completed',
  );
  expect((await run('show', id)).out).toMatch(new RegExp(`^${invocation} +asked for +completed +sess_\\d+ +-$`, 'm'));
  expect(JSON.parse((await run('show', id, '--json')).out)).toMatchObject({ automation: { id }, invocations: [{}] });
  expect(await run('show', 'auto_none')).toMatchObject({ code: 1, err: 'The automation does not exist.\n' });
});
