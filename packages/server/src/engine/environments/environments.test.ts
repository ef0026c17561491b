import {
  environmentBody,
  type EnvironmentInfo,
  environmentParam,
  parseBody,
  perdureError,
  templateBody,
} from '@perdure/protocol';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { homeTag, type HomeId, type SessionId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import { DeskInMemory } from '../files/desk.test-support.ts';
import type { Engine } from '../engine.ts';
import { ACME, type Booted, codeOf, RIVAL, until, World } from '../world.test-support.ts';
import { DEFAULT_ENVIRONMENT_LIMITS, type EnvironmentLimits } from './desk.ts';
import { FolderWorkspaces } from './folder-workspaces.test-support.ts';
import type { StateChange } from './live.ts';

const SESSION = 'sess_01jxq0v6w0abcd4z8k2m6r1t5y' as SessionId;
const HOME = 'local' as HomeId;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const inline = (path: string, text: string) => ({ type: 'inline', path: `/workspace/${path}`, data: base64(text) });

let workspaces: FolderWorkspaces;
let world: World;
let booted: Booted;
const on = (limits: Partial<EnvironmentLimits> = {}): Engine => {
  workspaces = new FolderWorkspaces();
  const environments = {
    workspaces,
    limits: { ...DEFAULT_ENVIRONMENT_LIMITS, ...limits },
    url: () => 'http://server',
  };
  world = new World({ files: new DeskInMemory(), environments });
  booted = world.boot();
  return booted.engine;
};
beforeEach(() => void on());
afterEach(() => workspaces.remove());

const body = (environment: object) => {
  const parsed = parseBody(environmentBody, { environment: { type: 'openai_hosted', ...environment } });
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
};
const create = (environment: object = {}, engine: Engine = booted.engine): Promise<EnvironmentInfo> =>
  engine.environments.create(ACME, body(environment), null);
const template = (fields: object) => {
  const parsed = parseBody(templateBody, fields);
  if (!parsed.ok) throw parsed.error;
  return booted.engine.environments.templates.create(ACME, parsed.value);
};
const bind = (environment: object, session: SessionId = SESSION) => {
  const parsed = parseBody(environmentParam, environment);
  if (!parsed.ok) throw parsed.error;
  return booted.engine.environments.sessions.bind(ACME, {
    given: parsed.value,
    vaults: [],
    of: { session, home: HOME },
  });
};
const statusOf = async (id: string): Promise<string> => (await booted.engine.environments.read(ACME, id)).status;
const text = (id: string, path: string): string =>
  readFileSync(join(workspaces.path({ tenant: ACME.tenant, id }), path), 'utf8');
const settled = async (id: string): Promise<string> => {
  let status = 'pending';
  await until(() => {
    void statusOf(id).then(now => (status = now));
    return status !== 'pending';
  }, 'its end');
  return status;
};

describe('making', () => {
  test('files, skills and variables are there; what it was made of is kept no longer', async () => {
    const skill = Buffer.from(
      zipSync({ 'pdf/SKILL.md': Buffer.from('---\nname: pdf\n---'), 'pdf/run.sh': Buffer.from('echo') }),
    ).toString('base64');
    const archive = { type: 'base64', media_type: 'application/zip', data: skill };
    const made = await create({
      files: [inline('a/b.txt', 'Hello.')],
      env: { COLOUR: 'green-8713' },
      skills: [{ type: 'inline', name: 'pdf', description: 'Reads PDF.', source: archive }],
    });
    expect(made).toEqual({
      id: made.id,
      object: 'agent.environment',
      status: 'ready',
      type: 'openai_hosted',
      files: [{ id: `${made.id}.0`, path: '/workspace/a/b.txt', size_bytes: 6, type: 'inline' }],
      plugins: [],
      skills: [{ name: 'pdf', description: 'Reads PDF.', type: 'inline' }],
    });
    expect(text(made.id, 'a/b.txt')).toBe('Hello.');
    expect(text(made.id, '.perdure/skills/pdf/run.sh')).toBe('echo');
    const row = await booted.stores[0]?.resource('environment', ACME.tenant, made.id);
    expect(row?.body).not.toContain(base64('Hello.'));
    expect(row?.body).not.toContain(skill);
    expect(workspaces.opened.at(-1)).toMatchObject({ env: { COLOUR: 'green-8713' }, network: { access: 'disabled' } });
  });

  test('setup commands run in their order, after the answer; their variables are there', async () => {
    const made = await create({
      env: { COLOUR: 'green' },
      setup_commands: [
        { command: 'echo "$COLOUR" > one' },
        { command: 'mkdir sub && cp one sub/two' },
        { command: 'cat two > three', cwd: '/workspace/sub' },
      ],
    });
    expect(made.status).toBe('pending');
    expect(await settled(made.id)).toBe('ready');
    expect(text(made.id, 'sub/three')).toBe('green\n');
  });

  test('a setup command that fails is told by its number alone', async () => {
    const changes: StateChange[] = [];
    booted.engine.environments.sessions.listen(change => changes.push(change));
    const bound = await bind({
      type: 'openai_hosted',
      setup_commands: [{ command: 'true' }, { command: 'echo secret-4417; exit 3' }],
    });
    expect(await settled(bound.id ?? '')).toBe('failed');
    expect(changes.map(({ session, state }) => [session, state.status])).toEqual([
      [SESSION, 'pending'],
      [SESSION, 'failed'],
    ]);
    expect(changes[1]?.state.error).toEqual({
      code: 'setup_failed',
      message: 'Setup command 2 ended with exit code 3.',
      type: 'environment_error',
    });
    expect(new Set(changes.map(({ id }) => id)).size).toBe(2);
    const used = booted.engine.environments.sessions.use(ACME.tenant, bound.id ?? '');
    expect(await codeOf(used)).toBe('environment_not_ready');
  });

  test('N1: what a process left half made, the next one makes from an empty folder', async () => {
    const made = await create({
      setup_commands: [{ command: 'test ! -e half && date +%s%N > half && exec sleep 30' }],
    });
    const { id } = made;
    const half = join(workspaces.path({ tenant: ACME.tenant, id }), 'half');
    const written = (): string => (existsSync(half) ? readFileSync(half, 'utf8') : '');
    await until(() => written() !== '', 'the first half');
    const first = written();
    await booted.engine.drain(10);
    expect(await statusOf(id)).toBe('pending');
    booted = world.boot();
    await booted.engine.environments.sweep();
    // In a folder that was not empty the command fails at once.
    await until(() => written() !== '' && written() !== first, 'the second half');
    expect(await statusOf(id)).toBe('pending');
    await booted.engine.drain(10);
  });

  test('what this server cannot host is refused, and leaves nothing', async () => {
    workspaces.open = () => Promise.reject(perdureError('unsupported_parameter', 'No open network here.'));
    expect(await codeOf(create({ network: { access: 'enabled' } }))).toBe('unsupported_parameter');
    const { entries } = await booted.engine.environments.list(ACME, {
      type: 'openai_hosted',
      order: 'asc',
      limit: 10,
      after: null,
    });
    expect(entries).toEqual([]);
    expect((await booted.stores[0]?.living(null, 10))?.length).toBe(0);
    booted = new World().boot();
    expect(await codeOf(create())).toBe('environments_unavailable');
  });

  test('a tenant has as many as it may, and no more', async () => {
    const engine = on({ tenantEnvironments: 2, tenantTemplates: 1 });
    await create({}, engine);
    await create({}, engine);
    expect(await codeOf(create({}, engine))).toBe('environment_quota_exceeded');
    await template({});
    expect(await codeOf(template({}))).toBe('environment_quota_exceeded');
  });

  test('files by id are copied with their labels; those of others are not found', async () => {
    const upload = await booted.engine.files.upload(ACME, ['restricted']);
    await upload.write(Buffer.from('Numbers.'));
    const said = { purpose: 'user_data', filename: 'n.txt', type: 'text/plain', expiresAfter: null };
    const { id: file_id } = await upload.finish(said);
    const given = { type: 'file_id', file_id, path: '/workspace/n.txt' };
    const bound = await bind({ type: 'openai_hosted', files: [given] });
    expect(bound.labels).toEqual(['restricted']);
    await booted.engine.environments.sessions.use(ACME.tenant, bound.id ?? '');
    expect(text(bound.id ?? '', 'n.txt')).toBe('Numbers.');
    const foreign = booted.engine.environments.create(RIVAL, body({ files: [given] }), null);
    expect(await codeOf(foreign)).toBe('file_not_found');
  });

  test('an idempotency key makes one, whatever became of it since', async () => {
    const { engine } = booted;
    const ask = (text: string) => engine.environments.create(ACME, body({}), { key: 'k', body: text });
    const first = await ask('{}');
    expect((await ask('{}')).id).toBe(first.id);
    await expect(ask('{"a":1}')).rejects.toMatchObject({ code: 'idempotency_key_reused', status: 409 });
    await engine.environments.delete(ACME, first.id);
    expect(await codeOf(ask('{}'))).toBe('idempotency_completed');
  });
});

test('a model is told where its skills are', async () => {
  const skill = zipSync({ 'SKILL.md': Buffer.from('Read.') });
  const source = { type: 'base64', media_type: 'application/zip', data: Buffer.from(skill).toString('base64') };
  const skills = [{ type: 'inline', name: 'pdf', description: 'Reads PDF.', source }];
  const bound = await bind({ type: 'openai_hosted', skills });
  expect(bound.note).toContain('- pdf (/workspace/.perdure/skills/pdf): Reads PDF.');
  expect((await bind({ type: 'openai_hosted' })).note).toBe(null);
  const self = await bind({ type: 'self_hosted', workspace_directory: '/w', capability_directories: ['/w/skills'] });
  expect(self.note).toContain('- /w/skills');
  expect((await bind({ type: 'none' })).environment).toEqual({ type: 'none' });
});

test('a session asks in wire form, its tools open what it has, and all of it goes with it', async () => {
  const { sessions } = booted.engine.environments;
  const session = `sess_01jxq0v6w0${homeTag(HOME)}4z8k2m6r1t5y00` as SessionId;
  const ask = (given: JsonObject) => sessions.wire(ACME, { given, vaults: [], session });
  await expect(ask({ type: 'openai_hosted', desktop: { enabled: true } })).rejects.toMatchObject({
    code: 'unsupported_parameter',
    param: 'environment.desktop.enabled',
  });
  const environment = await ask({ type: 'openai_hosted', env: { A: '1' } });
  const wire = environment as unknown as JsonObject;
  const id = environment.type === 'none' ? '' : environment.id;
  expect(await sessions.spec(ACME.tenant, wire)).toMatchObject({ id, tenant: ACME.tenant, env: { A: '1' } });
  expect(await codeOf(sessions.spec(RIVAL.tenant, wire))).toBe('environment_not_found');
  expect(await sessions.spec(ACME.tenant, { type: 'none' })).toBe(null);
  const self = await ask({ type: 'self_hosted', workspace_directory: '/w' });
  expect(await sessions.spec(ACME.tenant, self as unknown as JsonObject)).toMatchObject({ env: {} });
  await sessions.end(ACME.tenant, { session, environment: null });
  expect(await codeOf(booted.engine.environments.read(ACME, id))).toBe('environment_not_found');
  expect(workspaces.has({ tenant: ACME.tenant, id })).toBe(false);
});

describe('L10', () => {
  test('another tenant finds nothing, on every verb', async () => {
    const { environments } = booted.engine;
    const { id } = await create();
    const made = await template({ name: 'mine' });
    const self = await bind({ type: 'self_hosted', workspace_directory: '/srv/app' });
    const page = { order: 'asc', limit: 10, after: null } as const;
    expect(await codeOf(environments.read(RIVAL, id))).toBe('environment_not_found');
    expect(await codeOf(environments.delete(RIVAL, id))).toBe('environment_not_found');
    const file = { type: 'inline', path: '/workspace/x', data: '' } as const;
    expect(await codeOf(environments.files.put(RIVAL, id, file))).toBe('environment_not_found');
    const files = environments.files.list(RIVAL, id, { path: null, order: 'asc', limit: 1, page: null });
    expect(await codeOf(files)).toBe('environment_not_found');
    expect(await codeOf(environments.templates.read(RIVAL, made.id))).toBe('environment_template_not_found');
    expect(await codeOf(environments.templates.delete(RIVAL, made.id))).toBe('environment_template_not_found');
    expect(await codeOf(environments.workers.createToken(RIVAL, self.id ?? ''))).toBe('environment_not_found');
    expect((await environments.list(RIVAL, { ...page, type: 'openai_hosted' })).entries).toEqual([]);
    expect((await environments.templates.list(RIVAL, page)).entries).toEqual([]);
    const theirs = environments.create(RIVAL, body({ environment_template_id: made.id }), null);
    expect(await codeOf(theirs)).toBe('environment_template_not_found');
  });
});

describe('life', () => {
  test('one that was made beforehand has one session, and goes with it', async () => {
    const { environments } = booted.engine;
    const { id } = await create({ files: [inline('a', 'A')] });
    const bound = await bind({ type: 'openai_hosted', environment_id: id });
    expect(bound).toMatchObject({ id, environment: { type: 'openai_hosted', id } });
    // The same session again, as recovery does.
    expect((await bind({ type: 'openai_hosted', environment_id: id })).id).toBe(id);
    const other = 'sess_01jxq0v6w0abcd4z8k2m6r1t5z' as SessionId;
    expect(await codeOf(bind({ type: 'openai_hosted', environment_id: id }, other))).toBe('environment_not_ready');
    expect(await codeOf(environments.delete(ACME, id))).toBe('environment_not_ready');
    await environments.sessions.end(ACME.tenant, { session: SESSION, environment: id });
    expect(await codeOf(environments.read(ACME, id))).toBe('environment_not_found');
    expect(workspaces.has({ tenant: ACME.tenant, id })).toBe(false);
    expect((await booted.stores[0]?.living(null, 10))?.length).toBe(0);
  });

  test('idle it is suspended, used it comes back, idle for longer it expires and its files go', async () => {
    const { environments } = booted.engine;
    const { suspendMs, expireMs } = DEFAULT_ENVIRONMENT_LIMITS;
    const { id } = await create({ files: [inline('a', 'A')] });
    world.pass(suspendMs - 1);
    await environments.sweep();
    expect(await statusOf(id)).toBe('ready');
    world.pass(1);
    await environments.sweep();
    expect(await statusOf(id)).toBe('suspended');
    expect(text(id, 'a')).toBe('A');
    await environments.sessions.use(ACME.tenant, id);
    expect(await statusOf(id)).toBe('ready');
    world.pass(suspendMs);
    await environments.sweep();
    expect(await statusOf(id)).toBe('suspended');
    world.pass(expireMs - suspendMs - 1);
    await environments.sweep();
    expect(await statusOf(id)).toBe('suspended');
    world.pass(1);
    await environments.sweep();
    expect(await statusOf(id)).toBe('expired');
    expect(workspaces.has({ tenant: ACME.tenant, id })).toBe(false);
    expect(await codeOf(environments.sessions.use(ACME.tenant, id))).toBe('environment_expired');
    expect(await environments.sweep()).toBe(0);
  });

  test('one that was not used in time expires though nothing was swept in between', async () => {
    const { id } = await create();
    world.pass(DEFAULT_ENVIRONMENT_LIMITS.expireMs);
    await booted.engine.environments.sweep();
    expect(await statusOf(id)).toBe('expired');
  });
});

describe('templates', () => {
  test('fields of the request lie over those of the template, and its network is the widest', async () => {
    const made = await template({
      name: 'Base',
      env: { A: '1' },
      files: [inline('t', 'T')],
      network: { access: 'restricted', allowed_domains: ['a.example', '*.b.example'] },
      setup_commands: [{ command: 'echo done > setup' }],
    });
    expect(JSON.stringify(made)).not.toContain('echo');
    expect(made).toMatchObject({
      files: [{ type: 'inline', path: '/workspace/t', size_bytes: 1 }],
      network: { access: 'restricted', allowed_domains: ['a.example', '*.b.example'] },
    });
    const given = { type: 'openai_hosted', environment_template_id: made.id };
    const bound = await bind({ ...given, network: { access: 'restricted', allowed_domains: ['x.b.example'] } });
    expect(bound.spec).toMatchObject({ env: { A: '1' }, network: { allowed: ['x.b.example'] } });
    await booted.engine.environments.sessions.use(ACME.tenant, bound.id ?? '');
    expect([text(bound.id ?? '', 't'), text(bound.id ?? '', 'setup')]).toEqual(['T', 'done\n']);
    expect((await bind({ ...given, files: null, env: { B: '2' } })).spec?.env).toEqual({ B: '2' });
    for (const network of [
      { access: 'enabled' },
      { access: 'restricted', allowed_domains: ['c.example'] },
      { access: 'restricted', blocked_domains: ['c.example'] },
    ])
      expect(await codeOf(bind({ ...given, network }))).toBe('invalid_request');
  });

  test('an update replaces what it gives, a null resets it', async () => {
    const { templates } = booted.engine.environments;
    const made = await template({ name: 'Base', env: { A: '1' }, network: { access: 'enabled' } });
    const renamed = await templates.update(ACME, made.id, { hosted: {}, name: 'Other' });
    expect(renamed).toMatchObject({ name: 'Other', network: { access: 'enabled' } });
    const reset = await templates.update(ACME, made.id, { hosted: { network: null }, name: null });
    expect(reset).toMatchObject({ name: null, network: { access: 'disabled', allowed_domains: [] } });
    await templates.delete(ACME, made.id);
    expect(await codeOf(templates.read(ACME, made.id))).toBe('environment_template_not_found');
  });
});

describe('files', () => {
  test('they are put, replaced and listed by the parts of their names, page by page', async () => {
    const { files } = booted.engine.environments;
    const { id } = await create();
    for (const path of ['b/c', 'b.txt', 'a', 'b/a', 'b-d/x'])
      await files.put(ACME, id, { type: 'inline', path: `/workspace/${path}`, data: base64(path) });
    const put = await files.put(ACME, id, { type: 'inline', path: '/workspace/a', data: base64('longer') });
    expect(put).toEqual({
      environment_id: id,
      object: 'agent.environment.file',
      path: '/workspace/a',
      size_bytes: 6,
    });
    const paths: string[] = [];
    for (let page: string | null = null; ; ) {
      const one = await files.list(ACME, id, { path: null, order: 'desc', limit: 2, page });
      paths.push(...one.data.map(({ path }) => path.slice('/workspace/'.length)));
      if (!one.has_more) break;
      page = one.next;
    }
    expect(paths).toEqual(['b.txt', 'b-d/x', 'b/c', 'b/a', 'a']);
    const below = await files.list(ACME, id, { path: '/workspace/b', order: 'asc', limit: 9, page: null });
    expect(below).toMatchObject({ data: [{ path: '/workspace/b/a' }, { path: '/workspace/b/c' }], next: null });
  });

  test('what lies elsewhere is refused', async () => {
    const { files } = booted.engine.environments;
    const { id } = await create();
    const put = (path: string) => codeOf(files.put(ACME, id, { type: 'inline', path, data: '' }));
    for (const path of ['/etc/passwd', '/workspace', '/workspace/outputs', '/workspace/.codex/x'])
      expect([path, await put(path)]).toEqual([path, 'invalid_request']);
    expect(await put('/workspace/outputs/x')).toBe(null);
    writeFileSync(join(workspaces.path({ tenant: ACME.tenant, id }), 'ok'), '');
    const list = (path: string) => codeOf(files.list(ACME, id, { path, order: 'asc', limit: 1, page: null }));
    for (const path of ['/', '/etc', '/workspace/../etc', 'workspace'])
      expect([path, await list(path)]).toEqual([path, 'invalid_request']);
    const page = files.list(ACME, id, { path: null, order: 'asc', limit: 1, page: '!' });
    expect(await codeOf(page)).toBe('invalid_request');
  });
});
