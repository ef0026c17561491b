/** Environments, their files, templates and artifacts, by the official client against a real server. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenAI, toFile } from 'openai';
import type { SessionArtifact } from 'openai/resources/beta/agents/sessions/artifacts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FolderWorkspaces } from '../../packages/server/src/engine/environments/folder-workspaces.test-support.ts';
import type { TenantId } from '../../packages/server/src/kernel/ids.ts';
import { DEFAULT_TENANT } from '../../packages/server/src/main/config/defaults.ts';
import { failureOf } from '../support/failure.ts';
import { type Stack, startStack } from '../support/stack.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const TENANT = DEFAULT_TENANT as TenantId;
const SECRET = 'variable-5521';

let workspaces: FolderWorkspaces;
let stack: Stack;
let client: OpenAI;

beforeAll(async () => {
  workspaces = new FolderWorkspaces();
  stack = await startStack({ clouds: ['azure'], workspaces });
  client = stack.openai();
});
afterAll(async () => {
  await stack.close();
  workspaces.remove();
});

const environments = () => client.beta.agents.environments;
const hosted = (more: object = {}) => environments().create({ environment: { type: 'openai_hosted', ...more } });
const text = (id: string, path: string): string =>
  readFileSync(join(workspaces.path({ tenant: TENANT, id }), path), 'utf8');
async function ready(id: string): Promise<OpenAI.Beta.Agents.EnvironmentInfo> {
  for (;;) {
    const one = await environments().retrieve(id);
    if (one.status !== 'pending') return one;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

describe('environments', () => {
  test('create, retrieve and list', async () => {
    const made = await hosted({
      env: { COLOUR: SECRET },
      files: [{ type: 'inline', path: '/workspace/in/a.txt', data: base64('Hello.') }],
      setup_commands: [{ command: 'printf "%s" "$COLOUR" > colour' }],
    });
    expect(made).toMatchObject({ object: 'agent.environment', status: 'pending', type: 'openai_hosted' });
    const done = await ready(made.id);
    expect(done).toMatchObject({
      id: made.id,
      status: 'ready',
      files: [{ path: '/workspace/in/a.txt', size_bytes: 6 }],
    });
    expect([text(made.id, 'in/a.txt'), text(made.id, 'colour')]).toEqual(['Hello.', SECRET]);
    expect(JSON.stringify(done)).not.toContain(SECRET);
    const other = await hosted();
    const ids: string[] = [];
    for await (const one of environments().list({ limit: 1, order: 'asc' })) ids.push(one.id);
    expect(ids).toEqual([made.id, other.id]);
    expect((await environments().list({ type: 'openai_hosted' })).data.map(({ id }) => id)).toEqual(ids.toReversed());
  });

  test('an Idempotency-Key makes one', async () => {
    const params = { environment: { type: 'openai_hosted' }, 'Idempotency-Key': 'once' } as const;
    const first = await environments().create(params);
    expect((await environments().create(params)).id).toBe(first.id);
    const other = { ...params, vault_ids: ['vault_1'] };
    expect(await failureOf(environments().create(other))).toMatchObject({
      status: 409,
      code: 'idempotency_key_reused',
    });
  });

  test('what cannot be hosted is refused with its field, before anything is made', async () => {
    const before = (await environments().list()).data.length;
    const refusals: readonly (readonly [object, string, string | null])[] = [
      [{ desktop: { enabled: true } }, 'unsupported_parameter', 'environment.desktop.enabled'],
      [{ packages: { npm: ['left-pad'] } }, 'unsupported_parameter', 'environment.packages'],
      [{ skills: [{ type: 'skill_reference', skill_id: 's' }] }, 'unsupported_parameter', 'environment.skills[0]'],
      [
        { files: [{ type: 'file_id', file_id: 'file-none', path: '/workspace/x' }] },
        'file_not_found',
        'environment.files[0]',
      ],
      [{ files: [{ type: 'inline', data: '', path: '/etc/x' }] }, 'invalid_request', 'environment.files[0].path'],
      [{ environment_template_id: 'envt_none' }, 'environment_template_not_found', null],
      [
        { network: { access: 'restricted', blocked_domains: ['*.x.example'] } },
        'invalid_request',
        'environment.network',
      ],
    ];
    for (const [given, code, param] of refusals) expect(await failureOf(hosted(given))).toMatchObject({ code, param });
    expect((await environments().list()).data).toHaveLength(before);
    // What says no is no.
    await hosted({ desktop: { enabled: false }, packages: { npm: [], python: null } });
  });

  test('they live on over a restart', async () => {
    const { id } = await hosted({ files: [{ type: 'inline', path: '/workspace/k', data: base64('kept') }] });
    await stack.restart();
    client = stack.openai();
    expect((await environments().retrieve(id)).status).toBe('ready');
    expect((await environments().files.list(id)).data).toMatchObject([{ path: '/workspace/k', size_bytes: 4 }]);
  });

  test('one that no session has is deleted with its files', async () => {
    const { id } = await hosted();
    expect((await stack.request('DELETE', `/perdure/v1/environments/${id}`)).status).toBe(200);
    expect(await failureOf(environments().retrieve(id))).toMatchObject({ status: 404, code: 'environment_not_found' });
    expect(workspaces.has({ tenant: TENANT, id })).toBe(false);
  });
});

describe('files of an environment', () => {
  test('create by bytes and by id, upload, prepare, list', async () => {
    const { id } = await hosted();
    const { files } = environments();
    await files.create(id, { type: 'inline', path: '/workspace/a.txt', data: base64('one') });
    const uploaded = await client.files.create({
      file: await toFile(Buffer.from('two!'), 'b.txt'),
      purpose: 'user_data',
    });
    expect(await files.create(id, { type: 'file_id', file_id: uploaded.id, path: '/workspace/b/c.txt' })).toEqual({
      environment_id: id,
      object: 'agent.environment.file',
      path: '/workspace/b/c.txt',
      size_bytes: 4,
    });
    const sent = await files.upload(id, {
      file: await toFile(Buffer.from('three'), 'd.txt'),
      path: '/workspace/d.txt',
    });
    expect(sent.environmentFile.size_bytes).toBe(5);
    const all: string[] = [];
    for await (const one of files.list(id, { limit: 1, order: 'asc' })) all.push(one.path);
    expect(all).toEqual(['/workspace/a.txt', '/workspace/b/c.txt', '/workspace/d.txt']);
    expect((await files.list(id, { path: '/workspace/b' })).data.map(({ path }) => path)).toEqual([
      '/workspace/b/c.txt',
    ]);
    expect(await failureOf(files.list(id, { path: '/etc' }))).toMatchObject({ code: 'invalid_request', param: 'path' });
    const prepared = await files.prepare({ '/workspace/p.txt': await toFile(Buffer.from('prepared'), 'p.txt') });
    const next = await hosted({ files: prepared.files });
    expect(text(next.id, 'p.txt')).toBe('prepared');
  });
});

describe('templates', () => {
  test('create, retrieve, update, list and delete; environments are made of them', async () => {
    const { templates } = environments();
    const made = await templates.create({
      name: 'Base',
      env: { COLOUR: SECRET },
      setup_commands: [{ command: 'printf "%s" "$COLOUR" > colour' }],
      network: { access: 'restricted', allowed_domains: ['example.com'] },
    });
    expect(made).toMatchObject({
      object: 'agent.environment.template',
      name: 'Base',
      packages: { npm: [], python: [], system: [] },
      network: { access: 'restricted', allowed_domains: ['example.com'] },
    });
    const changed = await templates.update(made.id, { network: null });
    expect(changed.network).toEqual({ access: 'disabled', allowed_domains: [] });
    expect(await templates.retrieve(made.id)).toEqual(changed);
    expect(JSON.stringify([made, changed])).not.toMatch(/variable-|printf/);
    const other = await templates.create();
    const ids: string[] = [];
    for await (const one of templates.list({ limit: 1 })) ids.push(one.id);
    expect(ids).toEqual([other.id, made.id]);
    const { id } = await hosted({ environment_template_id: made.id });
    expect((await ready(id)).status).toBe('ready');
    expect(text(id, 'colour')).toBe(SECRET);
    expect(await templates.delete(made.id)).toEqual({
      id: made.id,
      deleted: true,
      object: 'agent.environment.template.deleted',
    });
    expect(await failureOf(templates.retrieve(made.id))).toMatchObject({ code: 'environment_template_not_found' });
  });
});

describe('artifacts', () => {
  /** A session as far as its artifacts go: what they lie under. */
  async function collected(): Promise<{ session: string; turn: string; id: string; bytes: Buffer }> {
    const response = await client.responses.create({ model: 'gpt-5.5', input: 'Hello.' });
    const body = response.id.slice('resp_'.length);
    const conversation = await client.conversations.create();
    const session = conversation.id.replace('conv_', 'sess_');
    const { id } = await hosted();
    const bytes = Buffer.alloc(5 * 1024 * 1024 + 3, 'perdure ');
    const { engine } = stack;
    const { workspace } = await engine.environments.sessions.use(TENANT, id);
    await workspace.write('outputs/report.bin', bytes);
    await workspace.write('outputs/other/notes.txt', Buffer.from('Notes.'));
    const turn = { id: `turn_${body}`, seq: 1 };
    const from = { tenant: TENANT, session, turn, environment: id, workspace, labels: [] };
    await engine.environments.artifacts.collect(from as never);
    return { session, turn: turn.id, id, bytes };
  }

  test('list, retrieve, content, delete, and those of a result', async () => {
    const { session, turn, id, bytes } = await collected();
    const { artifacts } = client.beta.agents.sessions;
    const all: SessionArtifact[] = [];
    for await (const one of artifacts.list(session, { limit: 1 })) all.push(one);
    expect(all.map(({ path }) => path).toSorted()).toEqual([
      '/workspace/outputs/other/notes.txt',
      '/workspace/outputs/report.bin',
    ]);
    expect((await artifacts.list(session, { environment_id: 'env_other' })).data).toEqual([]);
    expect((await artifacts.list(session, { environment_id: id })).data).toHaveLength(2);
    const report = all.find(({ path }) => path.endsWith('report.bin'));
    expect(await artifacts.retrieve(report?.id ?? '', { session_id: session })).toEqual(report);
    const content = await artifacts.content(report?.id ?? '', { session_id: session });
    const digest = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
    expect(digest(new Uint8Array(await content.arrayBuffer()))).toBe(digest(bytes));
    // The SDK's own helper binds them to a turn.
    const result = { session_id: session, turn_id: turn } as never;
    const notes = await artifacts.forResult(result).content('/workspace/outputs/other/notes.txt');
    expect(await notes.text()).toBe('Notes.');
    expect(await artifacts.delete(report?.id ?? '', { session_id: session })).toEqual({
      id: report?.id,
      deleted: true,
      object: 'agent.session.artifact.deleted',
    });
    const gone = artifacts.content(report?.id ?? '', { session_id: session });
    expect(await failureOf(gone)).toMatchObject({ status: 404, code: 'artifact_not_found' });
  });
});

test('with the workspaces of the configuration: commands, artifacts, a restart, the end', async () => {
  const real = await startStack({ clouds: ['azure'] });
  try {
    const made = await real.openai().beta.agents.environments.create({
      environment: {
        type: 'openai_hosted',
        env: { COLOUR: 'green' },
        files: [{ type: 'inline', path: '/workspace/in.txt', data: base64('one two three') }],
        setup_commands: [{ command: 'mkdir -p outputs && echo "$COLOUR" > outputs/colour' }],
      },
    });
    const conversation = await real.openai().conversations.create();
    const session = conversation.id.replace('conv_', 'sess_');
    const turn = { id: conversation.id.replace('conv_', 'turn_'), seq: 1 };
    const { sessions } = real.engine.environments;
    // Waits until it is made.
    const { workspace } = await sessions.use(TENANT, made.id);
    const signal = new AbortController().signal;
    const counted = {
      command: 'wc -w < in.txt > outputs/words',
      cwd: null,
      timeoutMs: 60_000,
      signal,
      show: () => undefined,
    };
    expect(await workspace.exec(counted)).toMatchObject({ exitCode: 0, ended: 'exit' });
    const from = { tenant: TENANT, session, turn, environment: made.id, workspace, labels: [] };
    const { artifacts } = await real.engine.environments.artifacts.collect(from as never);
    expect(artifacts.map(({ path }) => path)).toEqual(['/workspace/outputs/colour', '/workspace/outputs/words']);
    await real.restart();
    const again = real.openai().beta.agents;
    const listed = await again.environments.files.list(made.id, { order: 'asc', path: '/workspace/outputs' });
    expect(listed.data.map(({ path }) => path)).toEqual(artifacts.map(({ path }) => path));
    const words = await again.sessions.artifacts.content(artifacts[1]?.id ?? '', { session_id: session });
    expect((await words.text()).trim()).toBe('3');
    expect((await real.request('DELETE', `/perdure/v1/environments/${made.id}`)).status).toBe(200);
    // Its artifacts outlive it.
    const colour = await again.sessions.artifacts.content(artifacts[0]?.id ?? '', { session_id: session });
    expect(await colour.text()).toBe('green\n');
  } finally {
    await real.close();
  }
});
