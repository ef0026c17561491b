import { perdureError } from '@perdure/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import type { ToolOutcome, ToolScope } from '../../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import { matchesAny } from '../../provider/egress/rules.ts';
import { closeAll, openTest } from '../workspace.test-support.ts';
import { builtinTools } from './source.ts';
import type { WebFetch } from './web-fetch.ts';

afterAll(closeAll);

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
  'base64',
);
const page = (body: string, type = 'text/html'): WebFetch => ({
  fetch: async url => {
    if (url.includes('private')) throw perdureError('egress_denied', 'The address is not public.');
    return { bytes: Buffer.from(body), type, filename: 'page' };
  },
  matches: matchesAny,
  blocked: ['blocked.example.com'],
});
const hosted = (network: JsonObject = { access: 'disabled', allowed_domains: [] }): JsonObject => ({
  type: 'openai_hosted',
  id: 'env_1',
  network,
});

async function open(environment: JsonObject, web: WebFetch | null = null, given: Parameters<typeof openTest>[0] = {}) {
  const workspaces = await openTest(given);
  const source = builtinTools({ workspaces, web });
  const scope: ToolScope = {
    tenant: 'default' as TenantId,
    session: 'sess_1' as SessionId,
    principal: 'key_1',
    agent: {},
    environment,
    vaults: [],
    labels: [],
  };
  const tools = await source.list(scope, new AbortController().signal);
  const call = async (name: string, args: JsonObject): Promise<ToolOutcome> => {
    const tool = tools.find(one => one.name === name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    const signal = new AbortController().signal;
    return source.run(scope, tool, {
      callId: 'call_1',
      key: 'key',
      arguments: args,
      signal,
      show: () => undefined,
      answer: null,
    });
  };
  return { tools, call };
}

describe('built-in tools', () => {
  it('are those that the environment of the session has', async () => {
    const names = async (environment: JsonObject, web: WebFetch | null): Promise<readonly string[]> =>
      (await open(environment, web)).tools.map(({ name }) => name);
    const ofWorkspace = ['shell', 'apply_patch', 'read_file', 'write_file', 'list_files'];
    expect(await names({ type: 'none' }, null)).toEqual([]);
    expect(await names({ type: 'none' }, page(''))).toEqual(['web_fetch']);
    expect(await names({ type: 'self_hosted', id: 'env_1' }, page(''))).toEqual([]);
    expect(await names(hosted(), page(''))).toEqual(ofWorkspace);
    expect(await names(hosted({ access: 'restricted', allowed_domains: [] }), page(''))).toEqual([
      ...ofWorkspace,
      'web_fetch',
    ]);
    // What is not understood is no network.
    expect(await names(hosted({ access: 'everything' }), page(''))).toEqual(ofWorkspace);
  });

  it('say truly whether they may run twice (L6)', async () => {
    const { tools } = await open(hosted({ access: 'restricted', allowed_domains: [] }), page(''));
    expect(Object.fromEntries(tools.map(({ name, idempotent }) => [name, idempotent]))).toEqual({
      shell: false,
      apply_patch: false,
      read_file: true,
      write_file: true,
      list_files: true,
      web_fetch: true,
    });
    for (const { parameters } of tools)
      expect(parameters).toMatchObject({ type: 'object', additionalProperties: false });
  });

  it('run commands, and tell how they ended', async () => {
    const { call } = await open(hosted());
    expect(await call('shell', { command: 'echo out; echo err >&2; exit 3' })).toMatchObject({
      ok: true,
      output: expect.stringMatching(/^out\nerr\n\[exit code 3, \d+ ms\]$/),
      detail: {
        type: 'command',
        command: 'echo out; echo err >&2; exit 3',
        cwd: null,
        exitCode: 3,
        output: 'out\nerr\n',
      },
    });
    expect(await call('shell', { command: 'sleep 9', timeout_ms: 200 })).toMatchObject({
      ok: true,
      output: expect.stringMatching(/\[ended: timeout, after \d+ ms\]$/),
      detail: { exitCode: null },
    });
    expect(await call('shell', { command: 'true', cwd: '../x' })).toMatchObject({
      ok: false,
      code: 'workspace_path_refused',
    });
    expect(await call('shell', { command: 'true', cwd: 'none' })).toMatchObject({
      ok: false,
      code: 'workspace_path_refused',
    });
    expect(await call('shell', { cmd: 'true' })).toMatchObject({ ok: false, code: 'invalid_arguments' });
  });

  it('say so where commands are not run', async () => {
    const { call } = await open(hosted(), null, { isolation: 'none' });
    expect(await call('shell', { command: 'echo $((6 * 7))' })).toMatchObject({ ok: true, detail: { output: '42\n' } });
  });

  it('write, read and list files', async () => {
    const { call } = await open(hosted());
    expect(await call('write_file', { path: 'src/a.txt', content: 'one\ntwo\nthree\n' })).toEqual({
      ok: true,
      output: '14 bytes written to src/a.txt',
      files: 1,
    });
    expect(await call('read_file', { path: '/workspace/src/a.txt' })).toEqual({
      ok: true,
      output: 'one\ntwo\nthree\n',
      files: 1,
    });
    expect(await call('read_file', { path: 'src/a.txt', offset: 2, limit: 1 })).toEqual({
      ok: true,
      output: 'two\n[lines 2 to 2 of 3]',
      files: 1,
    });
    expect(await call('read_file', { path: 'src/a.txt', offset: 4 })).toEqual({
      ok: true,
      output: '[the file has 3 lines]',
      files: 1,
    });
    expect(await call('read_file', { path: 'none' })).toMatchObject({ ok: false, code: 'file_not_found' });
    expect(await call('read_file', { path: '../../etc/passwd' })).toMatchObject({
      ok: false,
      code: 'workspace_path_refused',
    });
    await call('write_file', { path: 'b', content: '' });
    expect(await call('list_files', {})).toEqual({ ok: true, output: 'b\t0\nsrc/a.txt\t14' });
    expect(await call('list_files', { limit: 1 })).toEqual({ ok: true, output: 'b\t0\n[more may follow: after b]' });
    expect(await call('list_files', { after: 'b' })).toEqual({ ok: true, output: 'src/a.txt\t14' });
    await call('shell', { command: `echo ${PIXEL.toString('base64')} | base64 -d > p.png; printf '\\377' > bin` });
    expect(await call('read_file', { path: 'p.png' })).toEqual({
      ok: true,
      output: [{ type: 'input_image', image_url: `data:image/png;base64,${PIXEL.toString('base64')}` }],
      files: 1,
    });
    expect(await call('read_file', { path: 'bin' })).toMatchObject({ ok: false, code: 'not_text' });
  });

  it('apply a patch as a whole or not at all', async () => {
    const { call } = await open(hosted(), null, { limits: { bytes: 1024 * 1024 } });
    await call('write_file', { path: 'a', content: 'one\n' });
    const patch = (...lines: readonly string[]) =>
      call('apply_patch', { input: ['*** Begin Patch', ...lines, '*** End Patch'].join('\n') });
    expect(await patch('*** Update File: a', '-one', '+two', '*** Add File: d/b', '+new')).toEqual({
      ok: true,
      output: 'M a\nA d/b',
      files: 2,
    });
    expect(await patch('*** Update File: a', '-two', '+three', '*** Update File: d/b', '-none', '+x')).toMatchObject({
      ok: false,
      code: 'patch_does_not_apply',
    });
    expect(await call('read_file', { path: 'a' })).toEqual({ ok: true, output: 'two\n', files: 1 });
    // The second file is over the quota: the first is put back.
    const big = Array.from({ length: 2000 }, () => `+${'x'.repeat(600)}`);
    expect(await patch('*** Update File: a', '-two', '+three', '*** Add File: big', ...big)).toMatchObject({
      ok: false,
      code: 'workspace_quota_exceeded',
    });
    expect(await call('read_file', { path: 'a' })).toEqual({ ok: true, output: 'two\n', files: 1 });
    expect(await patch('*** Delete File: a', '*** Add File: ./a', '+x')).toMatchObject({
      ok: false,
      code: 'invalid_patch',
    });
    expect(await patch('*** Add File: ../x', '+x')).toMatchObject({ ok: false, code: 'workspace_path_refused' });
    expect(await call('apply_patch', { input: 'no patch' })).toMatchObject({ ok: false, code: 'invalid_patch' });
    expect(await patch('*** Delete File: a')).toEqual({ ok: true, output: 'D a', files: 1 });
    expect(await call('list_files', {})).toEqual({ ok: true, output: 'd/b\t4' });
  });

  it('fetch pages that the rules of the session let through', async () => {
    const restricted = hosted({ access: 'restricted', allowed_domains: ['*.example.com'] });
    const { call } = await open(restricted, page('<h1>Hello</h1><script>x</script>'));
    expect(await call('web_fetch', { url: 'https://www.example.com/' })).toEqual({ ok: true, output: 'Hello' });
    expect(await call('web_fetch', { url: 'https://www.example.com/', max_chars: 2 })).toEqual({
      ok: true,
      output: 'He\n[3 characters left out]',
    });
    for (const url of [
      'https://example.org/',
      'https://blocked.example.com/',
      'https://www.example.com:8443/',
      'https://private.example.com/',
    ])
      expect(await call('web_fetch', { url })).toMatchObject({ ok: false, code: 'egress_denied' });
    expect(await call('web_fetch', { url: 'nowhere' })).toMatchObject({ ok: false, code: 'invalid_arguments' });
    const binary = await open({ type: 'none' }, page('x', 'application/pdf'));
    expect(await binary.call('web_fetch', { url: 'https://a.example/' })).toMatchObject({
      ok: false,
      code: 'not_text',
    });
  });
});
