import { describe, expect, test } from 'vitest';
import { parseBody } from '../parse.ts';
import { base64Bytes, ENVIRONMENT_LIMITS as MOST, isFilePath } from './environment-limits.ts';
import {
  environmentBody,
  environmentFileBody,
  environmentParam,
  inlineBytes,
  templateBody,
} from './environment-schema.ts';

const base64 = (text: string): string => btoa(text);
const zip = { type: 'base64', media_type: 'application/zip', data: '' };
const inline = (path: string, data = '') => ({ type: 'inline', path, data });
const faultOf = (environment: unknown): string => {
  const parsed = parseBody(environmentBody, { environment });
  return parsed.ok ? 'none' : `${parsed.error.code} ${parsed.error.param}`;
};
const hosted = (more: object): string => faultOf({ type: 'openai_hosted', ...more });
const read = (value: unknown) => {
  const parsed = parseBody(environmentParam, value);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
};

describe('forms', () => {
  test('what is absent stays absent, what is null is null', () => {
    expect(read({ type: 'none' })).toEqual({ type: 'none' });
    expect(read({ type: 'openai_hosted', env: null })).toEqual({
      type: 'openai_hosted',
      template: null,
      hosted: { env: null },
    });
    expect(read({ type: 'self_hosted', workspace_directory: '/srv' })).toEqual({
      type: 'self_hosted',
      workspace_directory: '/srv',
      capability_directories: [],
    });
    expect(read({ type: 'openai_hosted', environment_id: 'env_1' })).toEqual({
      type: 'prewarmed',
      environment: 'env_1',
    });
    const both = parseBody(environmentParam, { type: 'openai_hosted', environment_id: 'env_1', env: {} });
    expect(both).toMatchObject({ ok: false, error: { code: 'mutually_exclusive_parameters' } });
    expect(parseBody(environmentParam, { type: 'elsewhere' })).toMatchObject({
      error: { code: 'unsupported_parameter', param: 'type' },
    });
  });

  test('a setup command runs in the workspace unless it says where', () => {
    const given = read({
      type: 'openai_hosted',
      setup_commands: [{ command: 'a' }, { command: 'b', cwd: '/workspace/x' }],
    });
    expect(given).toMatchObject({
      hosted: {
        setup_commands: [
          { command: 'a', cwd: '/workspace' },
          { command: 'b', cwd: '/workspace/x' },
        ],
      },
    });
  });

  test('a template keeps its name apart: absent, or cleared', () => {
    expect(parseBody(templateBody, {})).toEqual({ ok: true, value: { hosted: {} } });
    expect(parseBody(templateBody, { name: null })).toEqual({ ok: true, value: { hosted: {}, name: null } });
  });
});

test('paths of files', () => {
  for (const path of ['/workspace/a', '/workspace/outputs/a', '/workspace/.codexx', '/workspace/a/.codex'])
    expect([path, isFilePath(path)]).toEqual([path, true]);
  for (const path of [
    '/workspace',
    '/workspace/',
    '/workspace/outputs',
    '/workspace/.codex/a',
    '/workspace/.managed-agents',
    '/workspace/.managed-agents-2/a',
    '/workspace/../etc/passwd',
    '/workspace/./a',
    '/workspace//a',
    '/workspace/a\\b',
    '/workspace/a\0',
    '/other/a',
    'workspace/a',
  ])
    expect([path, isFilePath(path), hosted({ files: [inline(path)] })]).toEqual([
      path,
      false,
      'invalid_request environment.files[0].path',
    ]);
  expect(hosted({ files: [inline('/workspace/a'), inline('/workspace/a')] })).toBe('invalid_request environment.files');
  expect(hosted({ files: [inline('/workspace/a/b'), inline('/workspace/a')] })).toBe(
    'invalid_request environment.files',
  );
  expect(hosted({ files: [inline('/workspace/a'), inline('/workspace/a/b')] })).toBe(
    'invalid_request environment.files',
  );
  expect(hosted({ files: [inline('/workspace/ab'), inline('/workspace/a')] })).toBe('none');
});

test('base64 is the standard one, and its bytes are counted', () => {
  for (const text of ['', 'a', 'ab', 'abc', 'abcd']) {
    expect(base64Bytes(base64(text))).toBe(text.length);
    expect(inlineBytes({ data: base64(text) })).toBe(text.length);
  }
  for (const data of ['a', 'YQ', 'YQ===', 'YQ=a', 'Y-__'])
    expect([data, hosted({ files: [inline('/workspace/a', data)] })]).toEqual([
      data,
      'invalid_request environment.files[0].data',
    ]);
  expect(parseBody(environmentFileBody, inline('/w/a', 'Y-__'))).toMatchObject({ error: { param: 'data' } });
});

describe('bounds, from both sides', () => {
  const times = <T>(count: number, of: (index: number) => T): readonly T[] =>
    Array.from({ length: count }, (_, i) => of(i));
  const env = (count: number): object => Object.fromEntries(times(count, i => [`N${i}`, '']));
  const skill = (name: string) => ({ type: 'inline', name, description: '', source: zip });
  const restricted = (domains: readonly string[]) => ({ network: { access: 'restricted', allowed_domains: domains } });
  const cases: readonly (readonly [string, number, (count: number) => object])[] = [
    ['files', MOST.files, count => ({ files: times(count, i => inline(`/workspace/${i}`)) })],
    ['path', MOST.pathChars, count => ({ files: [inline(`/workspace/${'x'.repeat(count - 11)}`)] })],
    ['variables', MOST.envVars, count => ({ env: env(count) })],
    ['name of one', MOST.envNameChars, count => ({ env: { ['N'.repeat(count)]: '' } })],
    ['value of one', MOST.envValueChars, count => ({ env: { N: 'x'.repeat(count) } })],
    ['commands', MOST.setupCommands, count => ({ setup_commands: times(count, () => ({ command: 'x' })) })],
    ['command', MOST.commandChars, count => ({ setup_commands: [{ command: 'x'.repeat(count) }] })],
    ['skills', MOST.skills, count => ({ skills: times(count, i => skill(`s${i}`)) })],
    ['plugins', MOST.plugins, count => ({ plugins: times(count, i => skill(`s${i}`)) })],
    ['domains', MOST.domains, count => restricted(times(count, i => `d${i}.example`))],
    ['directories', MOST.capabilityDirectories, count => ({ capability_directories: times(count, i => `/d${i}`) })],
    // The rest of the JSON around it: {"files":[{"type":"inline","data":"","path":"/workspace/aaaa"}]}
    [
      'all inline',
      (MOST.inlineChars - 64) / 4,
      count => ({ files: [inline('/workspace/aaaa', 'AAAA'.repeat(count))] }),
    ],
  ];
  test.each(cases)('%s', (_, most, of) => {
    expect(hosted(of(most))).toBe('none');
    expect(hosted(of(most + 1))).not.toBe('none');
  });
  test('vaults', () => {
    const vaults = (count: number) =>
      parseBody(environmentBody, { environment: { type: 'openai_hosted' }, vault_ids: times(count, i => `v${i}`) }).ok;
    expect([vaults(MOST.vaults), vaults(MOST.vaults + 1)]).toEqual([true, false]);
  });
});

test('networks', () => {
  expect(hosted({ network: { access: 'restricted', allowed_domains: ['a.example', '*.b.example'] } })).toBe('none');
  for (const network of [
    { access: 'enabled', allowed_domains: ['a.example'] },
    { access: 'disabled', blocked_domains: ['a.example'] },
    { access: 'restricted', blocked_domains: ['*.a.example'] },
    { access: 'restricted', allowed_domains: ['https://a.example'] },
    { access: 'restricted', allowed_domains: ['a..example'] },
    { access: 'restricted', allowed_domains: ['*'] },
  ])
    expect([network, hosted({ network })]).toMatchObject([{}, expect.stringContaining('invalid_request')]);
  const both = { access: 'restricted', allowed_domains: ['a.example'], blocked_domains: ['b.example'] };
  expect(hosted({ network: both })).toBe('mutually_exclusive_parameters environment.network');
});
