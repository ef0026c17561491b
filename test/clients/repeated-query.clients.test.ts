/** A query parameter that takes one value and is given two is refused by every route, whichever of them it would have taken; what takes several takes them. */
import { queryNamesOf, type Route, ROUTES } from '@perdure/protocol/openapi';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

async function ask({ method, path }: Pick<Route, 'method' | 'path'>, query: string): Promise<unknown> {
  const address = `${path.replace(/\{\w+\}/g, 'x_1')}?${query}`;
  const response = await fetch(new URL(address, stack.url), {
    method: method.toUpperCase(),
    ...(method === 'post' && { headers: { 'content-type': 'application/json' }, body: '{}' }),
  });
  const text = await response.text();
  const { error } = (text.startsWith('{') ? JSON.parse(text) : {}) as { error?: Record<string, unknown> };
  return { status: response.status, code: error?.['code'], param: error?.['param'], message: error?.['message'] };
}

const named = ({ method, path }: Route): string => `${method} ${path}`;
const takesOne = (name: string): boolean => !name.endsWith('[]');
const asked = ROUTES.flatMap(route =>
  queryNamesOf(route)
    .filter(takesOne)
    .map(name => [`${named(route)} ${name}`, route, name] as const),
);

test('there are routes of both kinds to walk, and each says that it can refuse', () => {
  expect(asked.filter(([, { path }]) => path.startsWith('/v1/')).length).toBeGreaterThan(50);
  expect(asked.filter(([, { path }]) => path.startsWith('/perdure/')).length).toBeGreaterThan(50);
  for (const [name, { errors }] of asked) expect([name, errors.includes('invalid_request')]).toEqual([name, true]);
});

test.each(asked)('%s', async (_, route, name) => {
  const given = name === 'metadata[key]' ? 'metadata[a]' : name;
  for (const values of [
    ['1', '2'],
    ['1', '1'],
    ['', 'x'],
  ])
    expect(await ask(route, values.map(value => `${encodeURIComponent(given)}=${value}`).join('&'))).toEqual({
      status: 400,
      code: 'invalid_request',
      param: name === 'metadata[key]' ? 'metadata' : name,
      message: `${name === 'metadata[key]' ? "A pair of 'metadata'" : `'${name}'`} is given 2 times and takes one value.`,
    });
  // Once, it may be wrong, but is not too often there.
  expect(await ask(route, `${encodeURIComponent(given)}=1`)).not.toMatchObject({
    message: expect.stringMatching(/ times and takes one value/),
  });
});

test('what takes several takes them, in each way to write them, and does not hide another', async () => {
  const created = await stack.request('POST', '/v1/responses', { body: { model: MODEL, input: 'Hello.' } });
  const { id } = (await created.json()) as { id: string };
  const read = `/v1/responses/${id}`;
  const [a, b] = ['reasoning.encrypted_content', 'message.input_image.image_url'];
  for (const query of [
    `include[]=${a}&include[]=${b}`,
    `include=${a}&include=${b}`,
    `include[0]=${a}&include[0]=${b}`,
  ]) {
    expect([query, (await stack.request('GET', `${read}?${query}`)).status]).toEqual([query, 200]);
    expect((await stack.request('GET', `${read}/input_items?${query}`)).status).toBe(200);
    expect((await stack.request('GET', `${read}/input_items?${query}&limit=1&limit=2`)).status).toBe(400);
  }
  for (const query of ['status[]=active&status[]=archived', 'metadata[a]=1&metadata[b]=1'])
    expect([query, (await stack.request('GET', `/v1/vaults?${query}`)).status]).toEqual([query, 200]);
});

test("OpenAI's routes ignore what they do not know, however often it is there", async () => {
  for (const path of ['/v1/models', '/v1/files', '/v1/agents', '/v1/vaults', '/v1/agents/sessions'])
    expect([path, (await stack.request('GET', `${path}?no_such_thing=1&no_such_thing=2`)).status]).toEqual([path, 200]);
});

test('a stream is not asked for twice', async () => {
  const route = { method: 'get', path: '/v1/responses/{response_id}' } as const;
  expect(await ask(route, 'stream=false&stream=true')).toMatchObject({ status: 400, param: 'stream' });
});
