/** Environments in the streams of sessions: where they stand, workers that are waited for, output while a command runs, MCP servers from within. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LOCAL_CALLER } from '../../packages/server/src/main/keys.ts';
import { hostWorkspace } from '../../packages/server/src/main/worker/host-workspace.ts';
import { openJournal } from '../../packages/server/src/main/worker/journal.ts';
import { runWorker } from '../../packages/server/src/main/worker/run-worker.ts';
import { startHttpServer } from '../../packages/server/src/provider/mcp/http-server.test-support.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

type Event = OpenAI.Beta.AgentSessionEvent;

let stack: Stack;
let folder: string;
let mcp: Awaited<ReturnType<typeof startHttpServer>>;
/** Of the MCP server: a name and its port. */
let host: string;

beforeAll(async () => {
  mcp = await startHttpServer();
  host = new URL(mcp.url).host;
  stack = await startStack({
    clouds: ['azure'],
    config: {
      permissions_default: 'permit',
      limits: { worker_grace_ms: 1_500, worker_wait_ms: 5_000 },
      workspaces: { network: 'restricted', private_hosts: [host] },
    },
  });
});
afterAll(async () => {
  await stack.close();
  await mcp.close();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-live-'));
  mkdirSync(join(folder, 'work'));
  return () => rmSync(folder, { recursive: true, force: true });
});

const sessions = (): OpenAI['beta']['agents']['sessions'] => stack.openai().beta.agents.sessions;

/** A worker of an environment, until it is stopped. */
async function serve(environment: string, hosts: readonly string[] = []): Promise<() => Promise<void>> {
  const { token = '' } = await stack.engine.environments.workers.createToken(LOCAL_CALLER, environment);
  const stop = new AbortController();
  const journal = openJournal(join(folder, 'state'));
  const { url } = stack;
  const ended = runWorker(
    {
      server: url,
      token,
      environment,
      hosts,
      workspace: hostWorkspace({ root: join(folder, 'work'), env: { PATH: process.env['PATH'] } }),
      isolation: 'none',
      journal,
      note: () => undefined,
      waitMs: 2_000,
    },
    stop.signal,
  ).finally(() => journal.close());
  ended.catch(() => undefined);
  return async () => {
    stop.abort();
    await ended;
  };
}

/** The event before all others of a session: what comes after it is everything. */
const beginning = (id: string): string => `evt_${id.slice('sess_'.length)}000000000`;

async function eventsFrom(id: string, after: string, last: (seen: readonly Event[]) => boolean): Promise<Event[]> {
  const seen: Event[] = [];
  const stream = await sessions().events.stream(id, { headers: { 'Last-Event-ID': after } });
  for await (const event of stream) {
    seen.push(event);
    if (last(seen)) break;
  }
  return seen;
}

const printed = (seen: readonly Event[]): string =>
  seen.flatMap(event => (event.type === 'agent.output.command_execution_output.delta' ? [event.delta] : [])).join('');
const has =
  (type: Event['type']) =>
  (seen: readonly Event[]): boolean =>
    seen.some(event => event.type === type);
const stable = (events: readonly Event[]): unknown =>
  events.map(event => ('session' in event ? [event.type, event.event_id, event.session.status] : event));

async function becomes(id: string, status: string): Promise<OpenAI.Beta.AgentSession> {
  for (;;) {
    const session = await sessions().retrieve(id);
    if (session.status === status) return session;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

test('a hosted command shows what it prints while it runs; whoever comes back reads on exactly, after a restart too', async () => {
  const command = 'echo one; while ! test -e go; do sleep 0.05; done; echo two';
  const { id } = await sessions().create({
    environment: { type: 'openai_hosted' },
    agent: { model: MODEL },
    input: `Use shell ${JSON.stringify({ command })}`,
  });
  const live = await eventsFrom(id, beginning(id), seen => printed(seen) !== '');
  expect(printed(live)).toBe('one\n');
  const { environment } = await sessions().retrieve(id);
  if (environment.type !== 'openai_hosted') throw new Error('it is hosted');
  await stack.openai().beta.agents.environments.files.create(environment.id, {
    type: 'inline',
    path: '/workspace/go',
    data: Buffer.from('1').toString('base64'),
  });
  const middle = live.at(-1);
  const rest = await eventsFrom(id, middle?.event_id ?? '', has('agent.session.idle'));
  expect(printed([...live, ...rest])).toBe('one\ntwo\n');
  const whole = await eventsFrom(id, beginning(id), has('agent.session.idle'));
  expect(stable(whole)).toEqual(stable([...live, ...rest]));
  // Told as it was made, before its turn or in it.
  expect(whole.filter(event => event.type === 'agent.session.environment.ready')).toMatchObject([
    { session_id: id, environment: { id: environment.id, error: null, status: 'ready', type: 'openai_hosted' } },
  ]);
  await stack.restart();
  for (const at of [middle, whole.at(0), whole.at(-3)]) {
    const again = await eventsFrom(id, at?.event_id ?? '', has('agent.session.idle'));
    const from = whole.findIndex(event => event.event_id === at?.event_id) + 1;
    expect(stable(again)).toEqual(stable(whole.slice(from)));
  }
}, 60_000);

describe('a session whose environment has no worker', () => {
  const self = { type: 'self_hosted', workspace_directory: '/srv/app' } as const;

  test('says so, over a restart, and goes on by itself once one connects', async () => {
    const command = 'echo begun; while ! test -e go; do sleep 0.05; done; echo done';
    const made = await sessions().create({
      environment: self,
      agent: { model: MODEL },
      input: `Use shell ${JSON.stringify({ command })}`,
    });
    const { id } = made;
    if (made.environment.type !== 'self_hosted') throw new Error('it is self-hosted');
    const environment = made.environment.id;
    const waiting = await becomes(id, 'requires_action');
    expect(waiting.required_actions).toEqual([{ type: 'environment_connection', environment_id: environment }]);
    const before = await eventsFrom(id, beginning(id), has('agent.session.requires_action'));
    await stack.restart();
    expect((await sessions().retrieve(id)).required_actions).toEqual(waiting.required_actions);
    const stop = await serve(environment);
    const live = await eventsFrom(id, beginning(id), seen => printed(seen) !== '');
    expect(stable(live.slice(0, before.length))).toEqual(stable(before));
    expect(printed(live)).toBe('begun\n');
    writeFileSync(join(folder, 'work', 'go'), '');
    const whole = await eventsFrom(id, beginning(id), has('agent.session.idle'));
    expect(printed(whole)).toBe('begun\ndone\n');
    expect(whole.flatMap(({ type }) => (type.includes('environment') ? [type] : []))).toEqual([
      'agent.session.environment.connected',
    ]);
    await stop();
    const gone = await eventsFrom(id, beginning(id), has('agent.session.environment.disconnected'));
    expect(gone.at(-1)).toMatchObject({ turn_id: null, environment: { id: environment, status: 'disconnected' } });
    expect(existsSync(join(folder, 'work', 'go'))).toBe(true);
  }, 60_000);

  test('is cancelled, and deleted, while it waits', async () => {
    const waits = () =>
      sessions().create({ environment: self, agent: { model: MODEL }, input: 'Use shell {"command":"true"}' });
    const [one, two] = [await waits(), await waits()];
    await becomes(one.id, 'requires_action');
    await sessions().events.create(one.id, { events: [{ type: 'agent.session.input.cancel' }] });
    await becomes(one.id, 'idle');
    await becomes(two.id, 'requires_action');
    await sessions().delete(two.id);
    await expect(sessions().retrieve(two.id)).rejects.toMatchObject({ status: 404 });
  }, 60_000);
});

describe('an MCP server that is reached from the environment', () => {
  const tool = (over: object = {}) =>
    ({
      type: 'mcp',
      server_label: 'own',
      connection_origin: 'environment',
      transport: { type: 'http', server_url: mcp.url },
      ...over,
    }) as unknown as OpenAI.Beta.AgentToolParam;
  const input = 'Use own__echo {"text":"from within"}';
  const outputs = async (id: string): Promise<readonly unknown[]> =>
    (await sessions().items.list(id, { order: 'asc' })).data.flatMap(item =>
      item.type === 'mcp_call' ? [[item.status, item.output, item.error]] : [],
    );

  test('is asked by the worker, whose own list says which hosts', async () => {
    const make = () =>
      sessions().create({
        environment: { type: 'self_hosted', workspace_directory: '/w' },
        agent: { model: MODEL, tools: [tool()] },
      });
    const say = {
      type: 'agent.session.input.message',
      input: [{ role: 'user', content: [{ type: 'input_text', text: input }] }],
    } as const;
    const said = { events: [say] } as unknown as OpenAI.Beta.Agents.Sessions.EventCreateParams;
    for (const [hosts, expected] of [
      [[host], 1],
      [[], 0],
    ] as const) {
      const session = await make();
      if (session.environment.type !== 'self_hosted') throw new Error('it is self-hosted');
      const stop = await serve(session.environment.id, hosts);
      await eventsFrom(session.id, beginning(session.id), has('agent.session.environment.connected'));
      await sessions().events.create(session.id, said);
      await eventsFrom(session.id, beginning(session.id), has('agent.session.idle'));
      const found = await outputs(session.id);
      expect(found).toHaveLength(expected);
      if (expected === 1) expect(JSON.stringify(found)).toContain('from within');
      await stop();
    }
  }, 60_000);

  test('is not asked against the network rules of a hosted one', async () => {
    for (const network of [
      { access: 'restricted', allowed_domains: ['example.com'] },
      { access: 'disabled' },
    ] as const) {
      const environment = { type: 'openai_hosted', network } as unknown as OpenAI.Beta.EnvironmentParam;
      const session = await sessions().create({ environment, agent: { model: MODEL, tools: [tool()] }, input });
      await eventsFrom(session.id, beginning(session.id), has('agent.session.idle'));
      expect(await outputs(session.id)).toEqual([]);
      expect(stack.notes.at(-1)).toContain('cannot be reached');
    }
  }, 60_000);

  test('is not started by a worker as a process: that is refused when the session is made', async () => {
    const stdio = tool({ transport: { type: 'stdio', command: 'server', args: [], cwd: '/workspace' } });
    const environment = { type: 'self_hosted', workspace_directory: '/w' } as const;
    await expect(
      sessions().create({ environment, agent: { model: MODEL, tools: [stdio] }, input: 'Hi' }),
    ).rejects.toMatchObject({ status: 403, code: 'mcp_server_not_allowed' });
  });
});
