/** Rights of first refusal under a running server: each move is seen by the next decision, over HTTP and from the command line. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { rawUpstream, type RawUpstream } from '../../provider/raw-upstream.test-support.ts';
import { answered } from '../../provider/responses-upstream.test-support.ts';
import { perdure } from '../cli/captured-io.test-support.ts';
import { composeServer, type ComposedServer } from '../compose.ts';
import { parseConfig } from '../config/load.ts';
import { auditDigest } from './audit.ts';
import { keyLine, secretOf } from '../keys/key-lines.test-support.ts';

/** A server is started: on a busy machine that takes a while. */
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let dir = '';
let server: ComposedServer;
let upstream: RawUpstream;

/** In April's contract "cannot" and "chooses not to" must both hold under the strict reading: the first is an event, the second this right. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perdure-rights-'));
  upstream = await rawUpstream(answered);
  const text = [
    'listen: { port: 0 }',
    'data: ./data',
    'homes: [{ id: azure-us, cloud: azure, region: eastus2 }]',
    'contracts: [openai-2026-04]',
    'on_ambiguity: refuse',
    'as_of: 2026-05-08',
    'events: [{ id: azure-cannot-support, date: 2026-05-04, source: a letter }]',
    'first_refusals: [{ id: other, offered: 2026-05-01, deadline: 2026-05-20, source: a letter }]',
    'targets:',
    `  - { id: aws-gpt, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "${upstream.baseUrl}" }`,
    'keys:',
    keyLine('app', 'inference, read'),
    keyLine('ops', 'operator'),
    keyLine('second', 'operator'),
    keyLine('auditor', 'auditor'),
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

async function ask(name: string, method: string, path: string, body?: unknown) {
  const response = await fetch(new URL(path, server.url), {
    method,
    headers: {
      authorization: `Bearer ${secretOf(name)}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as { readonly [name: string]: unknown } };
}

const move = (how: string, body?: object, name = 'ops') =>
  ask(name, 'POST', `/perdure/v1/rights/azure-first/${how}`, body);
const call = async () =>
  (await ask('app', 'POST', '/v1/responses', { model: 'gpt', input: 'hello', store: false })).status;
const refused = (status: number, code: string) => ({ status, body: { error: expect.objectContaining({ code }) } });
const states = (state: string, since: string | null = null, until: string | null = null) => ({
  status: 200,
  body: expect.objectContaining({ states: [{ product: null, state, since, until }] }),
});

test('offered, declined, taken back, and declined with a second person: without a restart', async () => {
  expect(await call()).toBe(403);
  expect(await move('decline', { source: 'a letter' })).toMatchObject(refused(404, 'right_not_found'));
  expect(await move('approve')).toMatchObject(refused(404, 'right_not_found'));
  const offer = { date: '2026-04-28', deadline: '2026-05-09', source: 'letter of 28 April' };
  expect(await move('offer', offer)).toMatchObject(states('offered', null, '2026-05-09'));
  expect(await move('offer', offer)).toMatchObject(refused(409, 'right_state_conflict'));
  expect(await call()).toBe(403);
  expect(await move('decline', { date: '2026-05-08', source: 'letter of 8 May' })).toMatchObject(
    states('declined', '2026-05-08'),
  );
  expect(await call()).toBe(200);
  expect(await move('accept', { source: 'x' })).toMatchObject(refused(409, 'right_state_conflict'));
  expect(await move('retract')).toMatchObject(states('offered', null, '2026-05-09'));
  expect(await call()).toBe(403);

  const pending = await move('decline', { source: 'letter of 8 May', require_second: true });
  expect(pending).toMatchObject(states('offered', null, '2026-05-09'));
  expect(await call()).toBe(403);
  expect(await move('approve')).toMatchObject(refused(403, 'second_person_required'));
  expect(await move('accept', { source: 'x' }, 'second')).toMatchObject(refused(409, 'right_state_conflict'));
  expect(await move('approve', undefined, 'second')).toMatchObject(states('declined', '2026-05-08'));
  expect(await call()).toBe(200);
  expect(await move('approve', undefined, 'second')).toMatchObject(refused(409, 'not_pending'));
  expect(await move('reject', undefined, 'second')).toMatchObject(refused(409, 'not_pending'));
});

test('what cannot be asked', async () => {
  const other = (body: object) => ask('ops', 'POST', '/perdure/v1/rights/other/decline', body);
  expect(await other({ source: 'x' })).toMatchObject(refused(409, 'right_state_conflict'));
  const next = (body: object) =>
    ask('ops', 'POST', '/perdure/v1/rights/next/offer', { source: 'x', deadline: '2026-05-20', ...body });
  for (const body of [
    { deadline: '2026-05-32' },
    { deadline: '2026-05-20T00:00:00Z' },
    { date: '2026-05-07', deadline: '2026-05-06' },
    { date: '2026-05-10' },
    { product: 'apo' },
    { source: '' },
  ])
    expect([body, await next(body)]).toMatchObject([body, refused(400, 'invalid_request')]);
  expect(
    await ask('ops', 'POST', '/perdure/v1/rights/Next_1/offer', { deadline: '2026-05-20', source: 'x' }),
  ).toMatchObject(refused(400, 'invalid_request'));
  expect(await next({ date: '2026-05-09', deadline: '2026-05-09' })).toMatchObject(states('none'));
  for (const how of ['offer', 'accept', 'decline', 'approve', 'reject', 'retract'])
    for (const name of ['auditor', 'app'])
      expect(await move(how, { source: 'x', deadline: '2026-05-20' }, name)).toMatchObject(
        refused(403, 'insufficient_scope'),
      );
});

test('an auditor sees every move, those of the configuration too, and the audit has each with a digest', async () => {
  const list = (await ask('auditor', 'GET', '/perdure/v1/rights')).body;
  expect(list).toMatchObject({
    object: 'list',
    has_more: false,
    data: [
      {
        id: 'azure-first',
        asked_by: ['openai-2026-04'],
        moves: [
          { move: 'offer', state: 'counted', recorded_by: 'config:ops', deadline: '2026-05-09' },
          { move: 'decline', state: 'retracted', retracted_by: 'config:ops' },
          { move: 'decline', state: 'counted', second_person: true, decided_by: 'config:second', deadline: null },
        ],
      },
      { id: 'next', asked_by: [] },
      { id: 'other', moves: [{ move: 'offer', recorded_by: 'config', recorded_at: null }] },
    ],
  });
  const rows = (await ask('auditor', 'GET', '/perdure/v1/audit')).body['data'] as readonly Parameters<
    typeof rowDigest
  >[0][];
  const own = rows.filter(({ subject }) => subject === 'azure-first');
  expect(own.map(({ action, actor }) => `${actor} ${action}`)).toEqual([
    'key:config:ops first_refusal.offered',
    'key:config:ops first_refusal.declined',
    'key:config:ops first_refusal.retracted',
    'key:config:ops first_refusal.declined',
    'key:config:second first_refusal.approved',
  ]);
  for (const row of own) expect(rowDigest(row)).toBe(row.digest);
});

function rowDigest(row: {
  at: number;
  actor: string;
  action: string;
  subject: string;
  tenant: string | null;
  body: string;
  digest: string;
}): string {
  return auditDigest(row.at, row.actor, row.action, row.subject, row.tenant, row.body);
}

test('the command line, through the server and on the folder', async () => {
  const env = { PERDURE_URL: server.url, PERDURE_API_KEY: secretOf('ops') };
  const served = (...argv: readonly string[]) =>
    perdure(['rights', ...argv, '--data', join(dir, 'data')], { cwd: dir, env });
  expect((await served('list')).out).toMatch(/azure-first +all +declined +2026-05-08 +- +openai-2026-04\n/);
  expect(await served('decline', 'azure-first', '--source', 'x')).toMatchObject({
    code: 1,
    err: expect.stringContaining('answered twice'),
  });
  expect(JSON.parse((await served('retract', 'azure-first', '--json')).out)).toMatchObject({ object: 'perdure.right' });

  const cwd = await mkdtemp(join(tmpdir(), 'perdure-rights-cli-'));
  try {
    const alone = (...argv: readonly string[]) => perdure(['rights', ...argv], { cwd, env: {} });
    const offer = ['offer', 'azure-first', '--date', '2026-04-28', '--deadline', '2026-05-09', '--source', 'a letter'];
    expect((await alone(...offer)).out).toBe(
      'azure-first for all products: lapsed on 2026-05-10\nNo contract in force, or to come, asks for azure-first.\n',
    );
    expect((await alone('decline', 'azure-first', '--date', '2026-05-10', '--source', 'late')).err).toContain(
      'after its deadline',
    );
    expect(
      (await alone('decline', 'azure-first', '--date', '2026-05-09', '--source', 'in time', '--require-second')).out,
    ).toMatch(
      /^azure-first for all products: lapsed on 2026-05-10\nNo contract .*\nAnother key must approve the last move before .*: perdure rights approve azure-first\n$/,
    );
    expect(await alone('approve', 'azure-first')).toMatchObject({ code: 3 });
    expect((await alone('list', '--json')).out).toContain('"state":"pending"');
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});
