/** L6 with the user's own machine: the worker dies in the middle of a command of a session. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { LOCAL_CALLER } from '../../../packages/server/src/main/keys.ts';
import { MODEL, type Stack, startStack } from '../../support/stack.ts';
import { startWorker, type WorkerProcess } from '../../support/worker-process.ts';

let stack: Stack;
let folder: string;
let workers: WorkerProcess[] = [];

beforeAll(async () => {
  const limits = { worker_grace_ms: 1_500, worker_wait_ms: 5_000 };
  stack = await startStack({ clouds: ['azure'], config: { permissions_default: 'permit', limits } });
});
afterAll(() => stack.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-worker-died-'));
  mkdirSync(join(folder, 'work'));
});
afterEach(async () => {
  for (const { child, ended } of workers.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

const sessions = (): OpenAI['beta']['agents']['sessions'] => stack.openai().beta.agents.sessions;
const log = (): string => {
  const path = join(folder, 'work', 'log');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 20));
}
const becomes = (id: string, status: string): Promise<void> =>
  until(async () => (await sessions().retrieve(id)).status === status);

const approvals = async (id: string): Promise<readonly { readonly id: string; readonly why: string }[]> => {
  const answer = await stack.request('GET', `/perdure/v1/approvals?status=waiting&session_id=${id}`);
  const { data } = (await answer.json()) as { readonly data: readonly { readonly id: string; readonly why: string }[] };
  return data;
};

/** A session whose command has begun when its worker is killed; another worker is there by then. */
async function died(): Promise<string> {
  // The first time it never ends.
  const command = 'echo ran >> log; test -e again || { touch again; sleep 60; }; echo done';
  const { id, environment } = await sessions().create({
    environment: { type: 'self_hosted', workspace_directory: '/srv' },
    agent: { model: MODEL },
    input: `Use shell ${JSON.stringify({ command })}`,
  });
  if (environment.type !== 'self_hosted') throw new Error('it is self-hosted');
  const { token = '' } = await stack.engine.environments.workers.createToken(LOCAL_CALLER, environment.id);
  const start = (): WorkerProcess => {
    const worker = startWorker({ server: stack.url, environment: environment.id, token, folder });
    workers.push(worker);
    return worker;
  };
  const first = start();
  await until(() => log() === 'ran\n');
  await until(() => existsSync(join(folder, 'work', 'again')));
  first.child.kill('SIGKILL');
  await first.ended;
  start();
  await becomes(id, 'requires_action');
  return id;
}

test.each([
  ['grant', 'ran\nran\n', ['completed', 'done\n']],
  ['deny', 'ran\n', ['failed', expect.stringContaining('It is not known')]],
] as const)(
  'people are asked, and %s says what becomes of the command',
  async (answer, ran, came) => {
    const id = await died();
    const [waiting] = await approvals(id);
    expect(waiting?.why).toBe('outcome_unknown');
    expect(log()).toBe('ran\n');
    await stack.request('POST', `/perdure/v1/approvals/${waiting?.id}/${answer}`, { body: {} });
    await becomes(id, 'idle');
    expect(log()).toBe(ran);
    const { data } = await sessions().items.list(id, { order: 'asc' });
    const commands = data.flatMap(item => (item.type === 'command_execution' ? [item] : []));
    expect(commands.map(item => [item.status, item.output])).toEqual([came]);
  },
  60_000,
);
