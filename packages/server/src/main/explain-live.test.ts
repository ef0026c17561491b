/** A call that nobody makes comes out as the server would have it: with what was spent, beside the server, over HTTP and on its folder. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DecisionFacts, StatefulnessReport, VisibilityReport } from '@perdure/protocol';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EVENT_STREAM, type RawUpstream, rawUpstream } from '../provider/raw-upstream.test-support.ts';
import { ADDED, delta, event } from '../provider/responses-upstream.test-support.ts';
import { perdure } from './cli/captured-io.test-support.ts';
import { composeServer, type ComposedServer } from './compose.ts';
import { parseConfig } from './config/load.ts';
import { keyLine, secretOf } from './keys/key-lines.test-support.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let dir = '';
let server: ComposedServer;
let upstream: RawUpstream;
/** A call costs 1000 x $1 + 50 x $10 a million: $0.0015. */
const COST = 1500;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-explain-'));
  upstream = await rawUpstream(response => {
    const usage = { input_tokens: 1000, output_tokens: 50 };
    const done = event({ type: 'response.completed', response: { id: 'resp_up', status: 'completed', usage } });
    response.writeHead(200, EVENT_STREAM).end(ADDED + delta('a') + done);
  });
  mkdirSync(join(dir, 'frugal'));
  writeFileSync(
    join(dir, 'frugal', 'contract.yaml'),
    'id: frugal\nversion: "1"\nkind: house-rules\ntitle: Rules.\nsources:\n  own: {title: Ours}\nclauses:\n' +
      ['all', 'enough', 'tools', 'first'].map(id => `  ${id}: {source: own, confidence: A, summary: Ours.}\n`).join(''),
  );
  writeFileSync(
    join(dir, 'frugal', 'rules.cedar'),
    [
      '@id("all")\n@cite("ours")\npermit (principal, action, resource);',
      `@id("enough")\n@cite("ours")\nforbid (principal, action == Action::"infer", resource)\nwhen { context.call.spend.month >= ${2 * COST} };`,
      '@id("tools")\n@cite("ours")\nforbid (principal, action == Action::"execute", resource)\nwhen { context.tool.name == "bash" };',
      '@id("first")\n@cite("ours")\nforbid (principal, action == Action::"egress", resource)\nwhen { !context.call.firstRefusal.declined.contains("rofr") };',
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(dir, 'perdure.yaml'),
    [
      'listen: { port: 0 }',
      'data: ./data',
      'contracts: [none, ./frugal]',
      'targets:',
      `  - { id: one, vendor: openai, model: gpt, cloud: local, region: here, base_url: "${upstream.baseUrl}", prices: {input: 1, output: 10} }`,
      'keys:',
      keyLine('app', 'inference, read'),
      keyLine('auditor', 'auditor'),
      keyLine('rival', 'auditor', 'rival'),
      keyLine('overseer', 'operator, auditor'),
      keyLine('operator', 'operator', 'ops'),
      '',
    ].join('\n'),
  );
  const { config } = parseConfig(
    await import('node:fs').then(fs => fs.readFileSync(join(dir, 'perdure.yaml'), 'utf8')),
    {
      file: 'perdure.yaml',
      env: {},
      base: dir,
    },
  );
  server = await composeServer(config, { log: () => undefined });
  await server.recovered;
});

afterAll(async () => {
  await server.close();
  await upstream[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

const ask = async (key: string, method: string, path: string, body?: unknown) => {
  const response = await fetch(new URL(path, server.url), {
    method,
    headers: {
      authorization: `Bearer ${secretOf(key)}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  while (server.engine.busy > 0) await new Promise(resolve => setImmediate(resolve));
  return { status: response.status, body: JSON.parse(text) as { readonly [name: string]: unknown } };
};
const turn = () => ask('app', 'POST', '/v1/responses', { model: 'gpt', input: 'Hi', max_output_tokens: 100 });
/** Of the tenant that made the calls, unless another is named, or a placement. */
const mine = (flags: readonly string[]): readonly string[] =>
  flags.includes('--tenant') || flags.some(flag => flag.startsWith('plc_')) ? [] : ['--tenant', 'acme'];
const beside = (key: string, ...flags: readonly string[]) =>
  perdure(['explain', ...mine(flags), ...flags], {
    cwd: dir,
    env: { PERDURE_URL: server.url, PERDURE_API_KEY: secretOf(key) },
  });
const alone = (...flags: readonly string[]) => perdure(['explain', ...mine(flags), ...flags], { cwd: dir });

test('what was spent decides, as it does for the server, whoever counts it', async () => {
  expect((await turn()).status).toBe(200);
  const [asked, folder] = [await beside('auditor'), await alone()];
  expect([asked.code, folder.code]).toEqual([0, 0]);
  expect(asked.err).toContain(
    `spend of acme: $0.001500 this month, $0.001500 in all (the server at ${server.url} counts it)`,
  );
  expect(asked.err).toContain('health: as the server at');
  expect(asked.err).toContain('shadow prices are not known (the server tells them to keys that see every tenant)');
  expect((await beside('overseer')).err).not.toContain('shadow prices are not known');
  expect(folder.err).toContain('spend of acme: $0.001500 this month, $0.001500 in all (by the log in');
  expect(folder.err).toContain('health is not known');
  expect((await turn()).status).toBe(200);
  expect((await turn()).status).toBe(403);
  for (const { code, out } of [await beside('auditor'), await alone()]) {
    expect([code, out]).toEqual([3, expect.stringContaining('these conflict: enough')]);
  }
  // A tenant that spent nothing, and what a flag says instead.
  expect((await alone('--tenant', 'other')).code).toBe(0);
  expect((await alone('--spend', '0/0')).err).toContain(
    'spend of acme: $0.000000 this month, $0.000000 in all (as --spend says)',
  );
  expect((await alone('--spend', '0/0')).code).toBe(0);
  expect((await alone('--contracts', 'none')).err).not.toContain('spend');
  // A key that may not is told, and the folder says what it can.
  const shut = await perdure(['explain', '--tenant', 'acme'], {
    cwd: dir,
    env: { PERDURE_URL: server.url, PERDURE_API_KEY: 'no' },
  });
  expect([shut.code, shut.err]).toEqual([3, expect.stringContaining('see PERDURE_API_KEY')]);
});

test('over HTTP the same is said, to its own tenant and to auditors', async () => {
  const known = await ask('auditor', 'GET', '/perdure/v1/explain');
  expect(known.body).toMatchObject({ tenant: 'acme', spend: { month: 2 * COST, total: 2 * COST } });
  const { health } = known.body as unknown as DecisionFacts;
  expect(health['one']).toMatchObject({ state: 'up', in_flight: null });
  expect(known.body).toMatchObject({ shadow_ppm: null });
  expect((await ask('overseer', 'GET', '/perdure/v1/explain?tenant=acme')).body).toMatchObject({
    health: { one: { state: 'up', in_flight: 0 } },
    shadow_ppm: {},
  });
  expect((await ask('rival', 'GET', '/perdure/v1/explain?tenant=acme')).status).toBe(403);
  expect((await ask('rival', 'GET', '/perdure/v1/explain')).body).toMatchObject({
    tenant: 'rival',
    spend: { total: 0 },
  });
  const refused = await ask('auditor', 'POST', '/perdure/v1/explain', {});
  expect(refused.body).toMatchObject({
    basis: { source: 'active' },
    infer: { outcome: 'refused' },
    state: { outcome: 'placed' },
    run: null,
    text: expect.stringContaining('these conflict: enough'),
  });
  expect((await ask('rival', 'POST', '/perdure/v1/explain', {})).body).toMatchObject({ infer: { outcome: 'placed' } });
  expect((await ask('rival', 'POST', '/perdure/v1/explain', { tenant: 'acme' })).status).toBe(403);
  for (const [body, why] of [
    [{ model: 'nothing' }, 'no target serves the model'],
    [{ as_of: '2026-02-30' }, "'as_of' must be a day"],
    [{ action: 'execute' }, 'wants a tool'],
    [{ action: 'egress' }, 'wants a destination'],
    [{ reading: 'nothing' }, 'nothing'],
    [{ events: [{ id: 'x', date: 'never' }] }, 'no day or moment'],
  ] as const) {
    const bad = await ask('auditor', 'POST', '/perdure/v1/explain', body);
    expect([bad.status, JSON.stringify(bad.body)]).toEqual([400, expect.stringContaining(why)]);
  }
});

test('tools and transfers can be asked about, and rights be supposed', async () => {
  const bash = await alone('--action', 'execute', '--tool', 'bash');
  expect([bash.code, bash.out]).toEqual([3, expect.stringContaining('these conflict: tools')]);
  expect((await alone('--action', 'execute', '--tool', 'mcp:search')).code).toBe(0);
  const sent = await alone('--action', 'egress', '--destination', 'example.com');
  expect([sent.code, sent.out]).toEqual([3, expect.stringContaining('with the right rofr declined: open-network')]);
  expect(sent.out.match(/without first/g)).toHaveLength(1);
  expect((await alone('--action', 'egress', '--destination', 'mcp:example.com', '--right', 'rofr=declined')).code).toBe(
    0,
  );
  expect((await alone('--action', 'egress', '--destination', 'x.org', '--right', 'rofr=lapsed')).code).toBe(3);
  for (const [flags, why] of [
    [['--action', 'execute'], 'wants a --tool'],
    [['--action', 'egress'], 'wants a --destination'],
    [['--action', 'dance'], 'there are: infer, execute, egress'],
    [['--tool', 'bash'], '--tool is for --action execute'],
    [['--destination', 'x'], '--destination is for --action egress'],
    [['--right', 'rofr=maybe'], '--right takes an id and a state (none, offered, accepted, declined, lapsed)'],
  ] as const) {
    const { code, err } = await alone(...flags);
    expect([code, err]).toEqual([2, expect.stringContaining(why)]);
  }
});

test('the conflict and the remedies of a refusal on record are told once each', async () => {
  const refused = await ask('app', 'GET', '/perdure/v1/placements?outcome=refused');
  const [one] = refused.body['data'] as readonly { readonly id: string }[];
  const { out } = await beside('app', one?.id ?? '');
  expect(out).toContain('these conflict: enough');
  expect(out.match(/without enough/gi)).toHaveLength(1);
});

test('a file that was uploaded is no session; reports say the same over HTTP, to auditors, of their tenant', async () => {
  const form = new FormData();
  form.set('purpose', 'user_data');
  form.set('file', new Blob(['hello'], { type: 'text/plain' }), 'a.txt');
  const sent = await fetch(new URL('/v1/files', server.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${secretOf('app')}` },
    body: form,
  });
  expect(sent.status).toBe(200);
  const told = async <R>(key: string, name: string, query = ''): Promise<R> =>
    (await ask(key, 'GET', `/perdure/v1/reports/${name}${query}`)).body as R;
  expect(await told<StatefulnessReport>('auditor', 'statefulness')).toMatchObject({ sessions: 2, in_name_only: 2 });
  const seen = await told<VisibilityReport>('auditor', 'visibility');
  expect(seen).toMatchObject({ sessions: 2, clouds: [{ state: { sessions: 2, apart: 1 } }] });
  expect(await told('rival', 'lock-in')).toMatchObject({ calls: 0, share: { one_legal: null } });
  expect((await ask('rival', 'GET', '/perdure/v1/reports/lock-in?tenant=acme')).status).toBe(403);
  expect((await ask('app', 'GET', '/perdure/v1/reports/lock-in')).status).toBe(403);
  expect((await ask('auditor', 'GET', '/perdure/v1/reports/lock-in?from=2026-13-01')).status).toBe(400);
  for (const name of ['statefulness', 'visibility', 'lock-in']) {
    const env = { PERDURE_API_KEY: secretOf('auditor') };
    const [here, there] = [
      await perdure(['report', name, '--json'], { cwd: dir }),
      await perdure(['report', name, '--json', '--url', server.url], { cwd: dir, env }),
    ];
    expect([there.code, there.err]).toEqual([0, '']);
    expect(JSON.parse(there.out)).toEqual(JSON.parse(here.out));
    const argv = ['report', name, '--url', server.url, '--tenant'];
    const boss = { PERDURE_API_KEY: secretOf('operator') };
    const nobody = await perdure([...argv, 'nobody'], { cwd: dir, env: boss });
    expect([nobody.code, nobody.out]).toEqual([2, '']);
    expect(nobody.err).toContain('--tenant nobody: no placement of it is recorded there');
    expect((await perdure([...argv, 'acme'], { cwd: dir, env: boss })).code).toBe(0);
  }
});
