/** Contracts that change under a running server, asked over HTTP by keys of several scopes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { shippedFiles } from '../../placement/fixture.test-support.ts';
import { rawUpstream, type RawUpstream } from '../../provider/raw-upstream.test-support.ts';
import { answered } from '../../provider/responses-upstream.test-support.ts';
import { perdure } from '../cli/captured-io.test-support.ts';
import { composeServer, type ComposedServer } from '../compose.ts';
import { parseConfig } from '../config/load.ts';
import { evidenceOfId } from '../ledger/evidence.ts';
import { keyLine, secretOf } from '../keys/key-lines.test-support.ts';

/** A server is started: on a busy machine that takes a while. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let dir = '';
let server: ComposedServer;
let upstream: RawUpstream;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perdure-govern-'));
  upstream = await rawUpstream(answered);
  const text = [
    'listen: { port: 0 }',
    'data: ./data',
    'homes: [{ id: azure-us, cloud: azure, region: eastus2 }]',
    'contracts: [openai-2026-02]',
    'reading: as-written',
    'as_of: 2026-03-20',
    'targets:',
    `  - { id: aws-gpt, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "${upstream.baseUrl}" }`,
    'keys:',
    keyLine('app', 'inference, read'),
    keyLine('ops', 'operator'),
    keyLine('second', 'operator'),
    keyLine('auditor', 'auditor'),
    keyLine('rival', 'auditor', 'rival'),
    keyLine('all', 'inference, read, admin, operator, auditor'),
  ].join('\n');
  const { config } = parseConfig(text, { file: 'perdure.yaml', env: {}, base: dir });
  server = await composeServer(config, { log: () => undefined });
  await server.recovered;
});

afterAll(async () => {
  await server.close();
  await upstream[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly placement: string | null;
  readonly body: { readonly [name: string]: unknown };
}

async function ask(name: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(new URL(path, server.url), {
    method,
    headers: {
      authorization: `Bearer ${secretOf(name)}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    placement: response.headers.get('perdure-placement'),
    body: (await response.json()) as Answer['body'],
  };
}

/** What is at a path of names and indexes, as `error.code`. */
function at({ body }: Pick<Answer, 'body'>, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as { readonly [name: string]: unknown })[name], body);
}

interface AuditLine {
  readonly subject: string;
  readonly action: string;
  readonly actor: string;
  readonly body: string;
}

function rowsOf(answer: Answer): readonly AuditLine[] {
  return answer.body['data'] as readonly AuditLine[];
}

const call = () => ask('app', 'POST', '/v1/responses', { model: 'gpt', input: 'hello', store: false });
const explained = async (placement: string | null) =>
  (await ask('auditor', 'GET', `/perdure/v1/placements/${placement ?? ''}`)).body;
const none = { name: 'none', files: shippedFiles('none') };
const february = { name: 'openai-2026-02', files: shippedFiles('openai-2026-02') };

test('refused, then waived, then monitored, then allowed, then refused again: without a restart', async () => {
  const refused = await call();
  expect([refused.status, at(refused, 'error.code')]).toEqual([403, 'placement_refused']);

  const clauses = ['joint.stateless', 'joint.first-party'];
  const waivers: string[] = [];
  for (const clause of clauses) {
    const waiver = { contract: 'openai-2026-02', clause, tenant: 'acme', until: '2026-03-25', reason: 'pilot' };
    const granted = await ask('ops', 'POST', '/perdure/v1/waivers', waiver);
    expect([granted.status, granted.body['state']]).toEqual([200, 'in_force']);
    waivers.push(String(granted.body['id']));
  }
  const waived = await call();
  expect(waived.status).toBe(200);
  const why = await explained(waived.placement);
  expect(why).toMatchObject({ outcome: 'placed', enforced: true, would_be: null });
  expect(waivers).toContain(at({ body: why }, 'waivers.0'));
  expect(why['explanation']).toContain(`waived by ${String(at({ body: why }, 'waivers.0'))}`);
  for (const id of waivers) await ask('ops', 'POST', `/perdure/v1/waivers/${id}/revoke`);
  expect((await call()).status).toBe(403);

  const activate = (body: object) => ask('ops', 'POST', '/perdure/v1/contracts/activations', body);
  expect((await activate({ contracts: [february], reading: 'as-written', enforce: false })).status).toBe(200);
  const monitored = await call();
  expect(monitored.status).toBe(200);
  const would = await explained(monitored.placement);
  expect(would).toMatchObject({ outcome: 'placed', enforced: false, would_be: 'refused' });
  expect(would['explanation']).toContain('monitor mode, not enforced: it would have been refused');
  const status = (await ask('all', 'GET', '/perdure/v1/status')).body;
  expect(status).toMatchObject({ enforce: false, unenforced: { refused: 1, moved: 0, waived: 1 } });

  expect((await activate({ contracts: [none] })).status).toBe(200);
  const free = await call();
  expect(await explained(free.placement)).toMatchObject({ in_force: ['none'], enforced: true });
  expect((await activate({ contracts: [february], reading: 'as-written' })).status).toBe(200);
  expect((await call()).status).toBe(403);
  // What was decided before is explained by what it was decided on.
  expect(await explained(free.placement)).toMatchObject({ outcome: 'placed', in_force: ['none'] });
  expect(await explained(monitored.placement)).toMatchObject({ would_be: 'refused' });
});

test('a session keeps the reading that it started under', async () => {
  const activate = (reading: string) =>
    ask('ops', 'POST', '/perdure/v1/contracts/activations', { contracts: [february], reading, enforce: false });
  const turn = (more: object) => ask('app', 'POST', '/v1/responses', { model: 'gpt', input: 'hello', ...more });
  await activate('as-written');
  const first = await turn({});
  expect(first.status).toBe(200);
  await activate('microsoft');
  const next = await turn({ previous_response_id: first.body['id'] });
  expect((await explained(next.placement))['reading']).toBe('as-written');
  expect((await explained((await turn({})).placement))['reading']).toBe('microsoft');
  await activate('as-written');
});

test('a second person, over HTTP', async () => {
  const path = '/perdure/v1/contracts/activations';
  const pending = (await ask('ops', 'POST', path, { contracts: [none], require_second: true })).body;
  expect(pending).toMatchObject({ state: 'pending', requested_by: 'config:ops', stranded: null });
  const same = await ask('ops', 'POST', `${path}/${String(pending['id'])}/approve`);
  expect([same.status, at(same, 'error.code')]).toEqual([403, 'second_person_required']);
  expect((await ask('second', 'POST', `${path}/${String(pending['id'])}/reject`)).body).toMatchObject({
    state: 'rejected',
  });
  const again = await ask('second', 'POST', `${path}/${String(pending['id'])}/approve`);
  expect([again.status, at(again, 'error.code')]).toEqual([409, 'not_pending']);
  const broken = await ask('ops', 'POST', path, { contracts: [{ name: 'x', files: {} }] });
  expect([broken.status, at(broken, 'error.code')]).toEqual([400, 'contracts_invalid']);
  expect(at(broken, 'error.details.findings.0')).toMatchObject({ code: 'manifest_missing' });
});

test('an auditor reads evidence of its tenant, content nowhere, and changes nothing', async () => {
  const stored = await ask('app', 'POST', '/v1/conversations', {});
  const conversation = String(stored.body['id']);
  for (const path of [
    '/v1/responses/resp_x',
    `/v1/conversations/${conversation}`,
    `/v1/conversations/${conversation}/items`,
  ])
    expect([path, at(await ask('auditor', 'GET', path), 'error.code')]).toEqual([path, 'insufficient_scope']);
  for (const path of [
    'placements',
    'status',
    'targets',
    'contracts/activations',
    'contracts/stranded',
    'waivers',
    'events',
    'audit',
  ])
    expect([path, (await ask('auditor', 'GET', `/perdure/v1/${path}`)).status]).toEqual([path, 200]);
  for (const path of ['waivers', 'events', 'contracts/activations', 'keys'])
    expect((await ask('auditor', 'POST', `/perdure/v1/${path}`, {})).status).toBe(403);
  // L10
  const waivers = async (name: string): Promise<number> => rowsOf(await ask(name, 'GET', '/perdure/v1/waivers')).length;
  expect([await waivers('auditor'), await waivers('rival'), await waivers('ops')]).toEqual([2, 0, 2]);
  const actions = async (name: string): Promise<readonly string[]> =>
    rowsOf(await ask(name, 'GET', '/perdure/v1/audit')).map(({ action }) => action);
  expect(await actions('auditor')).toContain('waiver.granted');
  expect(await actions('rival')).not.toContain('waiver.granted');
  expect((await ask('rival', 'GET', '/perdure/v1/placements')).body['data']).toEqual([]);
});

test('an auditor of the deployment reads the evidence of every tenant, and content of none (L10)', async () => {
  const wanted = { name: 'deployment', tenant: '*', scopes: ['auditor'] };
  expect((await ask('all', 'POST', '/perdure/v1/keys', { ...wanted, scopes: ['auditor', 'read'] })).status).toBe(400);
  const made = await ask('ops', 'POST', '/perdure/v1/keys', wanted);
  expect([made.status, made.body['tenant']]).toEqual([200, '*']);
  const secret = String(made.body['secret']);
  const see = async (path: string, body?: unknown) => {
    const response = await fetch(new URL(path, server.url), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = { placement: null, status: response.status, body: (await response.json()) as Answer['body'] };
    return { ...answer, code: response.ok ? null : at(answer, 'error.code') };
  };

  expect((await ask('ops', 'POST', '/perdure/v1/contracts/activations', { contracts: [none] })).status).toBe(200);
  const { placement } = await call();
  const one = `/perdure/v1/placements/${placement ?? ''}`;
  expect((await see(`${one}?tenant=acme`)).body).toMatchObject({ id: placement, tenant: 'acme' });
  expect((await see(`${one}?tenant=rival`)).code).toBe('placement_not_found');
  expect((await see(one)).code).toBe('invalid_request');
  expect(rowsOf(await see('/perdure/v1/placements?tenant=acme')).length).toBeGreaterThan(0);
  expect((await see('/perdure/v1/placements')).code).toBe('invalid_request');
  const replay = (await see('/perdure/v1/whatif?tenant=acme', {})).body['rows'];
  expect(Array.isArray(replay) && replay.length > 0).toBe(true);
  expect((await see('/perdure/v1/whatif', {})).code).toBe('invalid_request');
  for (const path of ['usage?group_by=tenant', 'usage/calls', 'commitments', 'contracts/stranded', 'events', 'targets'])
    expect([path, (await see(`/perdure/v1/${path}`)).code]).toEqual([path, null]);
  expect(rowsOf(await see('/perdure/v1/waivers'))).toHaveLength(2);
  expect(rowsOf(await see('/perdure/v1/audit')).map(({ action }) => action)).toContain('waiver.granted');
  expect((await see('/perdure/v1/status')).body['placements']).toEqual([]);

  const stored = await ask('app', 'POST', '/v1/conversations', {});
  for (const path of ['/v1/responses/resp_x', `/v1/conversations/${String(stored.body['id'])}`])
    expect([path, (await see(path)).code]).toEqual([path, 'insufficient_scope']);
  for (const path of ['/v1/responses', '/v1/chat/completions', '/perdure/v1/waivers', '/perdure/v1/keys'])
    expect([path, (await see(path, {})).code]).toEqual([path, 'insufficient_scope']);

  // Its making is told to those who see all, and to no tenant.
  const subjects = async (name: string) =>
    rowsOf(await ask(name, 'GET', '/perdure/v1/audit?limit=1000')).map(({ subject }) => subject);
  expect(await subjects('ops')).toContain(made.body['id']);
  expect(await subjects('auditor')).not.toContain(made.body['id']);
  // A tenant's auditor still reaches its own alone.
  expect(at(await ask('rival', 'GET', `${one}?tenant=acme`), 'error.code')).toBe('insufficient_scope');
  expect(at(await ask('rival', 'GET', one), 'error.code')).toBe('placement_not_found');
  expect((await ask('ops', 'DELETE', `/perdure/v1/keys/${String(made.body['id'])}`)).status).toBe(200);
  expect((await see('/perdure/v1/events')).code).toBe('invalid_api_key');
});

test('keys are audited, without their hash; a page of the audit has its bounds', async () => {
  const made = await ask('all', 'POST', '/perdure/v1/keys', { name: 'audited', tenant: 'acme' });
  await ask('all', 'DELETE', `/perdure/v1/keys/${String(made.body['id'])}`);
  const rows = rowsOf(await ask('ops', 'GET', '/perdure/v1/audit?limit=1000'));
  const own = rows.filter(({ subject }) => subject === made.body['id']);
  expect(own.map(({ action, actor }) => [action, actor])).toEqual([
    ['key.created', 'key:config:all'],
    ['key.revoked', 'key:config:all'],
  ]);
  for (const { body } of own) expect(Object.keys(JSON.parse(body))).not.toContain('hash');
  expect((await ask('ops', 'GET', '/perdure/v1/audit?limit=1')).body).toMatchObject({ has_more: true });
  for (const query of ['limit=0', 'limit=1001', 'after=-1', 'after=x'])
    expect((await ask('ops', 'GET', `/perdure/v1/audit?${query}`)).status).toBe(400);
});

test('the command line works through the server that holds the folder', async () => {
  const env = { PERDURE_URL: server.url, PERDURE_API_KEY: secretOf('ops') };
  const run = (...argv: readonly string[]) => perdure([...argv, '--data', join(dir, 'data')], { cwd: dir, env });
  const activated = await run('contracts', 'activate', 'none', '--reason', 'by command');
  expect(activated).toMatchObject({
    code: 0,
    out: expect.stringMatching(/act_\w+: none 1: in_force\n.*No session is stranded/s),
  });
  expect((await run('contracts', 'active')).out).toMatch(/in_force .* none@1 .* config:ops .* by command/);
  const event = await run('events', 'record', 'ipo-filed', '--date', '2026-03-12', '--source', 'a filing');
  expect(event.out).toMatch(/^evt_\w+: ipo-filed on 2026-03-12: recorded\n$/);
  expect((await run('waivers', 'list', '--json')).out).toContain('"state":"revoked"');
  expect(
    await run(
      'waivers',
      'grant',
      '--contract',
      'none',
      '--clause',
      'x',
      '--until',
      '2026-03-22',
      '--reason',
      'r',
      '--tenant',
      'acme',
    ),
  ).toMatchObject({
    code: 2,
    err: expect.stringContaining('There is no clause'),
  });
  const refused = await perdure(['contracts', 'active', '--data', join(dir, 'data')], {
    cwd: dir,
    env: { ...env, PERDURE_API_KEY: secretOf('app') },
  });
  expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('scope operator') });
});

test('the audit is filtered over HTTP, names keys to who sees them, and tells the leaf of what is sealed', async () => {
  const made = await ask('all', 'POST', '/perdure/v1/keys', { name: 'filtered', tenant: 'acme' });
  const id = String(made.body['id']);
  const audit = async (name: string, query: string) => ask(name, 'GET', `/perdure/v1/audit?${query}`);
  const own = await audit('ops', `subject=${id}&kind=key&actor=config:all`);
  expect(own.body).toMatchObject({
    data: [{ subject: id, action: 'key.created', actor: 'key:config:all', actor_name: 'all', tenant: 'acme' }],
    has_more: false,
    next: null,
  });
  for (const query of ['kind=waiver', 'actor=config:ops', 'to=2026-01-01', 'from=2999-01-01'])
    expect([query, rowsOf(await audit('ops', `subject=${id}&${query}`))]).toEqual([query, []]);
  expect(rowsOf(await audit('auditor', `subject=${id}`))).toMatchObject([{ actor_name: 'all' }]);
  expect(rowsOf(await audit('rival', `subject=${id}`))).toEqual([]);
  // Who may not ask is not told what could be asked.
  for (const query of ['', 'limt=1']) expect(at(await audit('app', query), 'error.code')).toBe('insufficient_scope');
  expect(at(await audit('ops', 'limt=1'), 'error.message')).toBe("There is no 'limt' here (did you mean limit?)");
  for (const bad of ['kind=A', 'from=yesterday', 'limit=0', 'limit=1001', 'after=-1', 'limit=1&limit=2'])
    expect([bad, (await audit('ops', bad)).status]).toEqual([bad, 400]);
  const leaf = await vi.waitFor(
    async () => {
      const sealed = at(await audit('ops', `subject=${id}`), 'data.0.leaf');
      expect(sealed).toEqual(expect.any(Number));
      return Number(sealed);
    },
    { timeout: 30_000, interval: 50 },
  );
  const proven = await evidenceOfId({ data: join(dir, 'data'), homes: [{ id: 'azure-us' } as never] }, id, {});
  expect(proven.evidence.index).toBe(leaf);
});

test('perdure audit: a table for people, lines for machines, page by page, by the key of an auditor', async () => {
  const env = { PERDURE_URL: server.url, PERDURE_API_KEY: secretOf('auditor') };
  const run = (...argv: readonly string[]) =>
    perdure(['audit', ...argv, '--data', join(dir, 'data')], { cwd: dir, env });
  const whole = await ask('auditor', 'GET', '/perdure/v1/audit?limit=1000');
  const lines = async (...argv: readonly string[]) =>
    (await run('--json', ...argv)).out
      .split('\n')
      .flatMap(line => (line === '' ? [] : [JSON.parse(line) as AuditLine]));
  const positions = (rows: readonly object[]) => rows.map(row => ('position' in row ? row.position : null));
  const all = positions(rowsOf(whole));
  expect(all.length).toBeGreaterThan(5);
  expect(positions(await lines('--limit', '1000'))).toEqual(all);
  const first = await run('--limit', '2', '--json');
  expect(first.err).toMatch(new RegExp(`^There are more: --after ${String(all[1])}\n$`, 'm'));
  expect(positions(await lines('--after', String(all[1]), '--limit', '1000'))).toEqual(all.slice(2));
  const table = await run('--kind', 'waiver.granted', '--limit', '1');
  expect(table.out).toMatch(/^POSITION +TIME +KIND +WHO +SUBJECT +TENANT +WHAT +LEAF\n/);
  expect(table.out).toMatch(
    / waiver\.granted +ops \(config:ops\) +wvr_\w+ +acme +openai-2026-02, joint\.stateless, pilot +(\d+|-)\n/,
  );
  expect(await run('--subject', 'none_such')).toMatchObject({ code: 0, out: 'There are no such entries.\n' });
  expect(await run('--from', 'soon')).toMatchObject({ code: 2, err: expect.stringContaining('--from takes a day') });
  expect((await run('--limit', '0')).code).toBe(2);
  const app = { ...env, PERDURE_API_KEY: secretOf('app') };
  const refused = await perdure(['audit', '--data', join(dir, 'data')], { cwd: dir, env: app });
  expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('with the scope auditor or operator') });
});
