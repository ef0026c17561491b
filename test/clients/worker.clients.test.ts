/** Self-hosted environments: a worker that opens connections only, links that break, processes that die. */
import { randomFillSync } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentParam, parseBody } from '@perdure/protocol';
import { toFile } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Caller } from '../../packages/server/src/engine/caller.ts';
import type { StateChange } from '../../packages/server/src/engine/environments/live.ts';
import type { ExecRequest } from '../../packages/server/src/engine/tools/ports.ts';
import { type HomeId, homeTag, makeIds, type SessionId } from '../../packages/server/src/kernel/ids.ts';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { LOCAL_CALLER } from '../../packages/server/src/main/keys.ts';
import { hostWorkspace } from '../../packages/server/src/main/worker/host-workspace.ts';
import { openJournal } from '../../packages/server/src/main/worker/journal.ts';
import { runWorker } from '../../packages/server/src/main/worker/run-worker.ts';
import { filesWith } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { startWorker, type WorkerProcess } from '../support/worker-process.ts';

const CALLER: Caller = LOCAL_CALLER;
const HOME = 'local' as HomeId;
/** Of the session, and of what is asked for, an environment's id is made: each test has a session of its own. */
const IDS = makeIds({ now: () => Date.now() }, into => randomFillSync(into));
const newSession = (): SessionId => IDS.next('sess', homeTag(HOME)) as SessionId;

let stack: Stack;
let folder: string;
let environment: string;
let token: string;

beforeAll(async () => {
  stack = await startStack({
    clouds: ['azure'],
    config: { limits: { worker_grace_ms: 1_500, worker_wait_ms: 5_000 } },
  });
});
afterAll(() => stack.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-worker-'));
  mkdirSync(join(folder, 'work'));
  const given = parseBody(environmentParam, { type: 'self_hosted', workspace_directory: '/srv/app' });
  if (!given.ok) throw given.error;
  const bound = await stack.engine.environments.sessions.bind(CALLER, {
    given: given.value,
    vaults: [],
    of: { session: newSession(), home: HOME },
  });
  environment = bound.id ?? '';
  expect(bound.environment).toMatchObject({
    type: 'self_hosted',
    workspace_directory: '/srv/app',
    remote_url: `${stack.url}/perdure/v1/environments/${environment}/worker`,
  });
  token = (await stack.engine.environments.workers.createToken(CALLER, environment)).token ?? '';
  return () => rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly notes: readonly string[];
  /** Ends it as a signal would. */
  stop(): Promise<void>;
  readonly ended: Promise<void>;
}

function start(options: { readonly fetch?: typeof globalThis.fetch; readonly token?: string } = {}): Running {
  const stop = new AbortController();
  const notes: string[] = [];
  const journal = openJournal(join(folder, 'state'));
  const ended = runWorker(
    {
      server: stack.url,
      token: options.token ?? token,
      environment,
      workspace: hostWorkspace({ root: join(folder, 'work'), env: { PATH: process.env['PATH'] } }),
      isolation: 'none',
      journal,
      note: line => notes.push(line),
      waitMs: 2_000,
      ...(options.fetch !== undefined && { fetch: options.fetch }),
    },
    stop.signal,
  ).finally(() => journal.close());
  ended.catch(() => undefined);
  return {
    notes,
    ended,
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

const statusOf = async (): Promise<string> =>
  (await stack.openai().beta.agents.environments.retrieve(environment)).status;
async function until(status: string): Promise<void> {
  while ((await statusOf()) !== status) await new Promise(resolve => setTimeout(resolve, 20));
}
const workspace = async () => (await stack.engine.environments.sessions.use(CALLER.tenant, environment)).workspace;
const exec = async (command: string, more: Partial<ExecRequest> = {}) =>
  (await workspace()).exec({
    command,
    cwd: null,
    timeoutMs: 20_000,
    signal: new AbortController().signal,
    show: () => undefined,
    ...more,
  });
const log = (): string =>
  existsSync(join(folder, 'work', 'log')) ? readFileSync(join(folder, 'work', 'log'), 'utf8') : '';
async function logged(text: string): Promise<void> {
  while (log() !== text) await new Promise(resolve => setTimeout(resolve, 10));
}

describe('work', () => {
  test('commands and files, by the same port as those that the server hosts', async () => {
    const changes: StateChange[] = [];
    const unheard = stack.engine.environments.sessions.listen(change => changes.push(change));
    expect(await statusOf()).toBe('disconnected');
    expect(await stack.engine.environments.sessions.needsWorker(CALLER.tenant, environment)).toBe(true);
    const running = start();
    await until('connected');
    const shown: string[] = [];
    const done = await exec('echo one; echo two >&2; pwd; exit 3', { show: text => shown.push(text) });
    expect(done).toMatchObject({ exitCode: 3, ended: 'exit', refusedHosts: [] });
    expect(done.output).toContain(join(folder, 'work'));
    expect(shown.join('')).toContain('one');
    const { files } = stack.openai().beta.agents.environments;
    await files.create(environment, {
      type: 'inline',
      path: '/srv/app/in/a.txt',
      data: Buffer.from('A').toString('base64'),
    });
    const large = Buffer.alloc(3 * 1024 * 1024, 'perdure');
    const file = await stack.openai().files.create({ file: await toFile(large, 'l.bin'), purpose: 'user_data' });
    await files.create(environment, { type: 'file_id', path: '/srv/app/l.bin', file_id: file.id });
    expect(readFileSync(join(folder, 'work', 'l.bin')).equals(large)).toBe(true);
    expect((await files.list(environment, { order: 'asc' })).data.map(({ path }) => path)).toEqual([
      '/srv/app/in/a.txt',
      '/srv/app/l.bin',
    ]);
    const open = await workspace();
    expect(Buffer.from((await open.read('l.bin', large.length)) ?? []).equals(large)).toBe(true);
    await expect(open.read('l.bin', 100)).rejects.toMatchObject({ code: 'file_too_large' });
    expect(await open.read('none', 100)).toBe(null);
    expect([await open.remove('l.bin'), await open.remove('l.bin')]).toEqual([true, false]);
    await running.stop();
    await until('disconnected');
    expect(changes.filter(({ state }) => state.id === environment).map(({ state }) => state.status)).toEqual([
      'connected',
      'disconnected',
    ]);
    expect(new Set(changes.map(({ id }) => id)).size).toBe(changes.length);
    unheard();
    await expect(exec('true')).rejects.toMatchObject({ code: 'environment_disconnected' });
    const listed = files.list(environment);
    expect(await failureOf(listed)).toMatchObject({ status: 409, code: 'environment_disconnected' });
  });

  test('paths do not lead out of the folder, over links neither', async () => {
    const running = start();
    await until('connected');
    symlinkSync('/etc', join(folder, 'work', 'out'));
    writeFileSync(join(folder, 'secret'), 'outside');
    const open = await workspace();
    for (const path of ['../secret', 'out/hostname', 'out/new', '/../../etc/hostname'])
      await expect(open.read(path, 1_000), path).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(open.write('../secret', Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(open.write('out/new', Buffer.from('x'))).rejects.toMatchObject({ code: 'invalid_request' });
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('outside');
    await running.stop();
  });

  test('a command ends at its time, or when it is given up, with all that it started', async () => {
    const running = start();
    await until('connected');
    const late = await exec('echo begun; sleep 60 & sleep 60', { timeoutMs: 300 });
    expect(late).toMatchObject({ exitCode: null, ended: 'timeout', output: 'begun\n' });
    const stop = new AbortController();
    const given = exec('echo "begun $$" >> log; sleep 60', { signal: stop.signal });
    while (log() === '') await new Promise(resolve => setTimeout(resolve, 10));
    stop.abort();
    expect(await given).toMatchObject({ exitCode: null, ended: 'aborted' });
    const pid = Number(/begun (\d+)/.exec(log())?.[1]);
    expect(alive(pid)).toEqual([]);
    await running.stop();
  });
});

/** Processes of a group that run still: one that ended may wait to be buried. */
function alive(group: number): readonly string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`))
    .map(name => readFileSync(`/proc/${name}/stat`, 'utf8'))
    .filter(stat => {
      const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(pgrp) === group && state !== 'Z';
    });
}

describe('a request is executed once', () => {
  test('though answers are lost on their way', async () => {
    let lost = 0;
    let count = 0;
    const flaky: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      count += 1;
      if (count % 3 !== 0) return answer;
      lost += 1;
      await answer.text();
      throw new TypeError('fetch failed');
    };
    const running = start({ fetch: flaky });
    await until('connected');
    for (let i = 0; i < 6; i++)
      expect((await exec(`echo ${i} >> log; cat log | wc -l`)).output.trim()).toBe(String(i + 1));
    expect(log()).toBe('0\n1\n2\n3\n4\n5\n');
    expect(lost).toBeGreaterThan(2);
    await running.stop();
  });

  test('though the server starts anew while it runs: asked again by the same key, it says what came of it', async () => {
    const { url } = stack;
    // The port is another one after a restart: a name in front of it would stay.
    const running = start({ fetch: (input, init) => fetch((input as URL).href.replace(url, stack.url), init) });
    await until('connected');
    const command = 'echo once >> log; while test ! -e go; do sleep 0.05; done; echo done';
    const first = exec(command, { key: 'tool-call-7' });
    first.catch(() => undefined);
    await logged('once\n');
    await stack.restart();
    await until('connected');
    const again = exec(command, { key: 'tool-call-7' });
    writeFileSync(join(folder, 'work', 'go'), '');
    expect(await again).toMatchObject({ exitCode: 0, output: 'done\n' });
    // And again, long after it was told.
    expect(await exec(command, { key: 'tool-call-7' })).toMatchObject({ exitCode: 0, output: 'done\n' });
    expect(log()).toBe('once\n');
    await running.stop();
  });

  test('though the worker dies while it runs: what it did is not known, and it is not run again', async () => {
    const first = startProcess();
    await until('connected');
    const asked = exec('echo begun >> log; sleep 60', { key: 'tool-call-8' });
    asked.catch(() => undefined);
    await logged('begun\n');
    first.child.kill('SIGKILL');
    await until('disconnected');
    const second = startProcess();
    await expect(asked).rejects.toMatchObject({
      code: 'environment_disconnected',
      details: { worker_code: 'outcome_unknown' },
    });
    expect(log()).toBe('begun\n');
    expect((await exec('echo after')).output).toBe('after\n');
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(second.said()).toContain('WITHOUT ISOLATION');
    expect(second.said()).not.toContain(token);
  });
});

const startProcess = (how?: readonly string[]): WorkerProcess =>
  startWorker({ server: stack.url, environment, token, folder }, how);

test('without --trust-host commands see the workspace alone', async () => {
  const worker = startProcess([]);
  await until('connected');
  await (await workspace()).write('a.txt', Buffer.from('A'));
  writeFileSync(join(folder, 'secret'), 'outside');
  const done = await exec(`cat a.txt; echo B > b.txt; cat ${join(folder, 'secret')} 2>/dev/null || echo nothing`);
  expect(done.output).toBe('Anothing\n');
  expect(Buffer.from((await (await workspace()).read('b.txt', 10)) ?? []).toString()).toBe('B\n');
  expect((await (await workspace()).list('', null, 10)).map(({ path }) => path)).toEqual(['a.txt', 'b.txt']);
  worker.child.kill('SIGTERM');
  expect(await worker.ended).toBe(0);
  expect(worker.said()).toMatch(/commands of the agent run in (bubblewrap|just-bash)/);
});

describe('tokens', () => {
  const ask = (key: string | null, id: string = environment) =>
    stack.request('POST', `/perdure/v1/environments/${id}/worker`, {
      body: {
        protocol: 1,
        worker: 'by-hand-1',
        isolation: 'none',
        known: [],
        results: [],
        output: [],
        wait_ms: 0,
        leaving: true,
      },
      ...(key !== null && { key }),
    });

  test('one serves its own environment, until it is revoked', async () => {
    expect((await ask(token)).status).toBe(200);
    for (const wrong of [null, 'pwt_x', `${token}x`, token.replace(/.$/, last => (last === 'A' ? 'B' : 'A'))])
      expect((await ask(wrong)).status).toBe(401);
    const other = environment;
    const given = parseBody(environmentParam, { type: 'self_hosted', workspace_directory: '/w' });
    if (!given.ok) throw given.error;
    const of = { session: newSession(), home: HOME };
    const bound = await stack.engine.environments.sessions.bind(CALLER, { given: given.value, vaults: [], of });
    expect((await ask(token, bound.id ?? '')).status).toBe(401);
    const path = `/perdure/v1/environments/${other}/worker_tokens`;
    const listed = (await (await stack.request('GET', path)).json()) as { data: { id: string }[] };
    expect(listed.data).toHaveLength(1);
    expect(JSON.stringify(listed)).not.toContain(token);
    const running = start();
    await until('connected');
    expect((await stack.request('DELETE', `${path}/${listed.data[0]?.id}`)).status).toBe(200);
    await expect(running.ended).rejects.toMatchObject({ code: 'invalid_api_key' });
    expect((await ask(token)).status).toBe(401);
  });

  test('an environment has sixteen at most, and one that is hosted none', async () => {
    for (let i = 1; i < 16; i++) await stack.engine.environments.workers.createToken(CALLER, environment);
    const path = `/perdure/v1/environments/${environment}/worker_tokens`;
    const more = await stack.request('POST', path);
    expect([more.status, await more.text()]).toMatchObject([
      403,
      expect.stringContaining('environment_quota_exceeded'),
    ]);
  });

  test('L9: none is in the store, the log or what the operator reads', async () => {
    const running = start();
    await until('connected');
    await exec('true');
    await running.stop();
    const secret = token.split('.')[1] ?? '';
    expect(secret).toHaveLength(43);
    expect(filesWith(stack.data, secret)).toEqual([]);
    expect(stack.notes.join('\n')).not.toContain(secret);
  });
});

describe('the command line', () => {
  const run = (...argv: string[]) => perdure(argv, { cwd: folder, env: { PERDURE_URL: stack.url } });

  test('lists and shows environments, and makes tokens', async () => {
    const listed = await run('environments', 'list', '--self-hosted');
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(listed.out).toContain(`${environment}  self-hosted  disconnected`);
    const shown = await run('environments', 'show', environment, '--json');
    expect(JSON.parse(shown.out)).toMatchObject({ id: environment, status: 'disconnected', live_files: null });
    const running = start();
    await until('connected');
    appendFileSync(join(folder, 'work', 'a.txt'), 'A');
    expect((await run('environments', 'show', environment)).out).toContain('1      /srv/app/a.txt');
    await running.stop();
    const made = await run('environments', 'token', environment);
    expect(made.out).toMatch(/^pwt_\S+\n$/);
    expect((await run('environments', 'show', 'env_none')).code).toBe(1);
  });

  test('a worker says what it lacks', async () => {
    const given = ['worker', '--server', stack.url, '--environment', environment, '--workspace', 'work'];
    expect(await run(...given)).toMatchObject({ code: 2, err: expect.stringContaining('needs the token') });
    const wrong = await run(...given, '--key', 'pwt_no', '--trust-host', '--state', 'state');
    expect(wrong).toMatchObject({ code: 3, err: expect.stringContaining('token is unknown') });
  });
});
