/** Who asks can be supposed: a key, its scopes, the agent; on the folder and over HTTP, and what is not there is told. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';
import { composeServer, type ComposedServer } from './compose.ts';
import { parseConfig } from './config/load.ts';
import { keyLine, secretOf } from './keys/key-lines.test-support.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const CLAUSES = {
  all: 'permit (principal, action, resource);',
  key: 'forbid (principal, action == Action::"infer", resource) when { principal.key == "config:batch" };',
  scope:
    'forbid (principal, action == Action::"infer", resource) when { principal.key == "config:ops" && principal.scopes.contains("operator") };',
  old: 'forbid (principal, action == Action::"infer", resource) when { context.call has agent && context.call.agent.version < 2 };',
};

let dir = '';
let server: ComposedServer;
const ids = { agent: '', made: '', revoked: '', rival: '' };

async function ask(key: string, method: string, path: string, body?: unknown) {
  const response = await fetch(new URL(path, server.url), {
    method,
    headers: { authorization: `Bearer ${secretOf(key)}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as { readonly [name: string]: unknown } };
}
const made = async (key: string, path: string, body: object): Promise<string> => {
  const { status, body: answer } = await ask(key, 'POST', path, body);
  expect([status, answer['error']]).toEqual([200, undefined]);
  return String(answer['id']);
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-asker-'));
  mkdirSync(join(dir, 'who'));
  const documented = Object.keys(CLAUSES).map(id => `  ${id}: {source: own, confidence: A, summary: Ours.}\n`);
  writeFileSync(
    join(dir, 'who', 'contract.yaml'),
    `id: who\nversion: "1"\nkind: house-rules\ntitle: Rules.\nsources:\n  own: {title: Ours}\nclauses:\n${documented.join('')}`,
  );
  writeFileSync(
    join(dir, 'who', 'rules.cedar'),
    Object.entries(CLAUSES)
      .map(([id, rule]) => `@id("${id}")\n@cite("ours")\n${rule}\n`)
      .join(''),
  );
  writeFileSync(
    join(dir, 'perdure.yaml'),
    [
      'listen: { port: 0 }',
      'data: ./data',
      'contracts: [none, ./who]',
      'targets:',
      '  - { id: one, vendor: openai, model: gpt, cloud: local, region: here, base_url: "http://127.0.0.1:1" }',
      'keys:',
      keyLine('app', 'inference, read'),
      keyLine('batch', 'inference, read'),
      keyLine('ops', 'operator, admin, inference'),
      keyLine('auditor', 'auditor'),
      keyLine('rival', 'auditor', 'rival'),
      '',
    ].join('\n'),
  );
  const text = readFileSync(join(dir, 'perdure.yaml'), 'utf8');
  const { config } = parseConfig(text, { file: 'perdure.yaml', env: {}, base: dir });
  server = await composeServer(config, { log: () => undefined });
  await server.recovered;
  ids.agent = await made('app', '/v1/agents', { name: 'support', model: 'gpt' });
  await made('app', `/v1/agents/${ids.agent}`, { name: 'support', model: 'gpt', instructions: 'Be kind.' });
  const key = (name: string, tenant = 'acme') =>
    made('ops', '/perdure/v1/keys', { name, tenant, product: 'frontier', scopes: ['inference'] });
  ids.made = await key('stored');
  ids.revoked = await key('gone');
  ids.rival = await key('theirs', 'rival');
  await key('twice');
  await key('twice');
  await fetch(new URL(`/perdure/v1/keys/${ids.revoked}`, server.url), {
    method: 'DELETE',
    headers: { authorization: `Bearer ${secretOf('ops')}` },
  });
});

afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

const folder = async (...flags: readonly string[]) => {
  const { code, err, out } = await perdure(['explain', ...flags, '--json'], { cwd: dir });
  const call = code === 2 ? null : (JSON.parse(out) as { readonly call: object }).call;
  return { code, err, out, call };
};
const http = (body: object, key = 'auditor') => ask(key, 'POST', '/perdure/v1/explain', body);

describe('what is supposed decides, on the folder and over HTTP', () => {
  test.each([
    ['nobody is said: a clause that asks denies', [], {}, 'refused', { key: null, scopes: null, agent: null }],
    [
      'a key by its name',
      ['--key', 'app'],
      { key: 'app' },
      'placed',
      { key: 'config:app', scopes: ['inference', 'read'] },
    ],
    ['a key by its id', ['--key', 'config:app'], { key: 'config:app' }, 'placed', { key: 'config:app' }],
    ['a key that a clause forbids', ['--key', 'batch'], { key: 'batch' }, 'refused', { key: 'config:batch' }],
    ['a key by its scopes', ['--key', 'ops'], { key: 'ops' }, 'refused', { key: 'config:ops' }],
    [
      'a key with other scopes',
      ['--key', 'ops', '--scopes', 'inference, read'],
      { key: 'ops', scopes: ['inference', 'read'] },
      'placed',
      { key: 'config:ops', scopes: ['inference', 'read'] },
    ],
    [
      'a key of the store, with what it was sold',
      ['--key', 'stored'],
      { key: 'stored' },
      'placed',
      { product: 'frontier' },
    ],
    [
      'what it was sold, said otherwise',
      ['--key', 'stored', '--product', 'api'],
      { key: 'stored', product: 'api' },
      'placed',
      { product: 'api' },
    ],
    [
      'the agent, in force',
      ['--key', 'app', '--agent', 'support'],
      { key: 'app', agent: { id: 'support' } },
      'placed',
      { agent: expect.objectContaining({ version: 2 }) },
    ],
    [
      'the agent at a version',
      ['--key', 'app', '--agent', 'support@1'],
      { key: 'app', agent: { id: 'support', version: 1 } },
      'refused',
      { agent: expect.objectContaining({ version: 1 }) },
    ],
  ] as const)('%s', async (_, flags, body, outcome, call) => {
    const here = await folder(...(flags.length === 0 ? ['--tenant', 'acme'] : flags));
    expect([here.code, here.call]).toEqual([
      outcome === 'placed' ? 0 : 3,
      expect.objectContaining({ tenant: 'acme', ...call }),
    ]);
    const there = await http(body);
    expect(there.body).toMatchObject({ infer: { outcome }, call: { tenant: 'acme', ...call }, warnings: [] });
  });

  test('what is not there can be supposed where it is said in full, and is warned of', async () => {
    const ghost = await folder('--tenant', 'acme', '--key', 'ghost', '--scopes', 'inference', '--agent', 'ghost@7');
    expect(ghost.call).toMatchObject({ key: 'ghost', scopes: ['inference'], agent: { id: 'ghost', version: 7 } });
    expect(ghost.err).toMatch(
      /no key ghost of the tenant acme \(there are: app, config:app, .*it is supposed with the scopes/,
    );
    expect(ghost.err).toContain('there is no agent ghost of the tenant acme');
    const revoked = await folder('--key', ids.revoked);
    // No clause asks for the scopes of this one.
    expect([revoked.code, revoked.call]).toEqual([0, expect.objectContaining({ key: ids.revoked, scopes: null })]);
    expect(revoked.err).toContain('was revoked: its scopes are not known');
    const there = await http({ key: 'ghost', scopes: ['inference'] });
    expect(there.body).toMatchObject({
      infer: { outcome: 'placed' },
      warnings: [expect.stringContaining('no key ghost')],
    });
  });
});

test('what is not there, and what cannot be, is told with the nearest', async () => {
  for (const [flags, body, why] of [
    [['--key', 'bach'], { key: 'bach' }, 'there is no key bach'],
    [['--key', 'bach'], { key: 'bach' }, '(did you mean batch?)'],
    [['--key', 'twice'], { key: 'twice' }, 'several keys are called twice: key_'],
    [
      ['--key', 'app', '--scopes', 'infrence'],
      { key: 'app', scopes: ['infrence'] },
      'no scope infrence (did you mean inference?)',
    ],
    [['--scopes', 'inference'], { scopes: ['inference'] }, 'those of a'],
    [
      ['--key', 'app', '--agent', 'suport'],
      { agent: { id: 'suport' } },
      'no agent suport of the tenant acme (did you mean support?)',
    ],
    [
      ['--key', 'app', '--agent', 'support@3'],
      { agent: { id: 'support', version: 3 } },
      'has no version 3 (the last is 2)',
    ],
  ] as const) {
    const here = await folder(...flags);
    expect([here.code, here.err]).toEqual([2, expect.stringContaining(why)]);
    const there = await http(body);
    expect([there.status, JSON.stringify(there.body)]).toEqual([400, expect.stringContaining(why)]);
  }
  for (const body of [{ agent: { id: 'support', version: 0 } }, { agent: 'support' }, { key: '' }, { scopes: 'read' }])
    expect((await http(body)).status).toBe(400);
});

test('L10: over HTTP the keys and agents of another tenant are as those that are not there', async () => {
  expect((await http({ key: 'theirs' }, 'rival')).body).toMatchObject({ call: { key: ids.rival, tenant: 'rival' } });
  for (const body of [{ key: 'theirs' }, { key: ids.rival }]) {
    const { status, body: answer } = await http(body);
    expect([status, JSON.stringify(answer)]).toEqual([400, expect.stringContaining('there is no key')]);
    // Neither does the hint name it.
    expect(JSON.stringify(answer).match(/theirs/g)?.length ?? 0).toBe(body.key === 'theirs' ? 1 : 0);
  }
  const foreign = await http({ agent: { id: ids.agent } }, 'rival');
  expect([foreign.status, JSON.stringify(foreign.body)]).toEqual([400, expect.stringContaining('(there are none)')]);
});

test('where no keys are asked for, everybody is `local`, with every scope', async () => {
  const open = mkdtempSync(join(tmpdir(), 'perdure-asker-open-'));
  try {
    const run = (...flags: readonly string[]) => perdure(['explain', ...flags, '--json'], { cwd: open });
    const { code, out } = await run('--key', 'local');
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      { call: { key: 'local', scopes: expect.arrayContaining(['operator']) } },
    ]);
    expect((await run('--key', 'locl')).err).toContain('(did you mean local?)');
  } finally {
    rmSync(open, { recursive: true, force: true });
  }
});
