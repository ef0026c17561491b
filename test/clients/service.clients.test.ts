import { openapiDocument } from '@perdure/protocol/openapi';
import type OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

/** Models, probes, the document. */
let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  stack = await startStack({
    config: emulator => ({
      targets: [
        targetOf(emulator, 'azure'),
        targetOf(emulator, 'aws'),
        targetOf(emulator, 'aws', {
          id: 'aws-2',
          model: 'opus',
          upstream_model: 'claude-opus-4.6-emulated',
          vendor: 'anthropic',
        }),
      ],
    }),
  });
  client = stack.openai();
});
afterAll(() => stack.close());

test('models are listed once each, under their public names', async () => {
  expect(await all(client.models.list())).toEqual([
    { id: MODEL, object: 'model', created: 0, owned_by: 'openai' },
    { id: 'opus', object: 'model', created: 0, owned_by: 'anthropic' },
  ]);
  expect(await client.models.retrieve('opus')).toMatchObject({ id: 'opus', object: 'model', owned_by: 'anthropic' });
  expect(await failureOf(client.models.retrieve('nobody'))).toMatchObject({
    status: 404,
    code: 'model_not_found',
    param: 'model',
  });
  const response = await client.responses.create({ model: 'opus', input: 'Hello.' });
  expect(response.model).toBe('opus');
  expect((await stack.upstream()).at(-1)).toMatchObject({ cloud: 'aws', model: 'claude-opus-4.6-emulated' });
});

test('the probes answer', async () => {
  const health = await stack.request('GET', '/healthz');
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
  const ready = await stack.request('GET', '/readyz');
  const body = (await ready.json()) as { status: string; checks: { name: string; ok: boolean }[] };
  expect([ready.status, body.status]).toEqual([200, 'ready']);
  expect(body.checks[0]).toEqual({ name: 'recovery', ok: true });
  expect(body.checks.slice(1).map(({ name, ok }) => [name.startsWith('store:'), ok])).toContainEqual([true, true]);
});

test('the OpenAPI document is served as it is generated', async () => {
  const served = (await (await stack.request('GET', '/openapi.json')).json()) as { info: { version: string } };
  expect(served).toEqual(openapiDocument({ version: served.info.version }));
});

test('the page at the root is a page, and no other site may frame or feed it', async () => {
  const page = await fetch(stack.url);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(await page.text()).toMatch(/^<!doctype html>/);
});

test('the status shows targets, homes, contracts and the last placements', async () => {
  const response = await stack.request('GET', '/perdure/v1/status');
  expect(await response.json()).toMatchObject({
    object: 'perdure.status',
    targets: [{ id: 'azure-1', emulated: true }, { id: 'aws-1' }, { id: 'aws-2' }],
    homes: [{ id: 'local', cloud: 'local' }],
    contracts: [{ id: 'none', in_force: true }],
    enforce: true,
    draining: false,
    workspaces: { isolation: expect.stringMatching(/^(bubblewrap|just-bash)$/) },
  });
});

test('a key of the upstream never leaves the server (L9)', async () => {
  const secret = 'sk-upstream-0123456789';
  const guarded = await startStack({
    clouds: ['aws'],
    emulator: { apiKeys: ['another'] },
    config: emulator => ({ targets: [targetOf(emulator, 'aws', { api_key: secret })] }),
  });
  const failure = await failureOf(guarded.openai().responses.create({ model: MODEL, input: 'Hello.' }));
  expect(failure.status).toBeGreaterThanOrEqual(500);
  expect(JSON.stringify(failure)).not.toContain(secret);
  for (const path of ['/perdure/v1/status', '/perdure/v1/targets', '/perdure/v1/placements'])
    expect(await (await guarded.request('GET', path)).text()).not.toContain(secret);
  expect(guarded.notes.join('\n')).not.toContain(secret);
  await guarded.close();
});
