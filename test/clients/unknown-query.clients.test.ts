/** Every route of ours, as the OpenAPI document has it, refuses a query parameter that it does not have; OpenAI's routes ignore it. */
import { isOurs, queryNamesOf, type Route, ROUTES } from '@perdure/protocol/openapi';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

interface Told {
  readonly status: number;
  readonly code: unknown;
  readonly param: unknown;
  readonly message: string;
}

async function ask({ method, path }: Pick<Route, 'method' | 'path'>, query: string): Promise<Told> {
  const address = `${path.replace(/\{\w+\}/g, 'x_1')}?${query}`;
  const response = await fetch(new URL(address, stack.url), {
    method: method.toUpperCase(),
    ...(method === 'post' && { headers: { 'content-type': 'application/json' }, body: '{}' }),
  });
  const text = await response.text();
  const { error = {} } = (text.startsWith('{') ? JSON.parse(text) : {}) as { error?: Record<string, unknown> };
  return { status: response.status, code: error['code'], param: error['param'], message: String(error['message']) };
}

const ours = ROUTES.filter(isOurs);
const named = (route: Route): string => `${route.method} ${route.path}`;

test('there are routes of ours to walk, each with names that a query has as they are', () => {
  expect(ours.length).toBeGreaterThan(60);
  expect(ROUTES.filter(({ path }) => path.startsWith('/perdure/')).filter(route => !isOurs(route))).toEqual([]);
  for (const route of ours)
    for (const name of queryNamesOf(route))
      expect([named(route), name]).toEqual([named(route), expect.stringMatching(/^[a-z_]+$/)]);
});

test.each(ours.map(route => [named(route), route] as const))('%s', async (_, route) => {
  const known = queryNamesOf(route);
  expect(await ask(route, 'no_such_thing=1')).toEqual({
    status: 400,
    code: 'unsupported_parameter',
    param: 'no_such_thing',
    message: `There is no 'no_such_thing' here (${known.length === 0 ? 'this route takes no query' : `there are: ${known.join(', ')}`})`,
  });
  const [first] = known;
  if (first !== undefined) {
    expect(await ask(route, `${first}=1&${first}x=1`)).toMatchObject({
      status: 400,
      param: `${first}x`,
      message: expect.stringContaining('did you mean '),
    });
    const all = known.map(name => `${name}=1`).join('&');
    expect((await ask(route, all)).code).not.toBe('unsupported_parameter');
  }
  expect((await ask(route, '')).code).not.toBe('unsupported_parameter');
});

test('the name that was meant is told; what is no plain word is not repeated', async () => {
  const route = { method: 'get', path: '/perdure/v1/placements' } as const;
  expect((await ask(route, 'sesion=conv_1')).message).toBe("There is no 'sesion' here (did you mean session?)");
  for (const query of ['%3Cscript%3E=1', '=1', `${'x'.repeat(65)}=1`, 'a%20b'])
    expect(await ask(route, query)).toMatchObject({
      code: 'unsupported_parameter',
      param: null,
      message: expect.stringMatching(/^There is no such query parameter here \(there are: limit, /),
    });
  expect(await ask(route, 'x'.repeat(64))).toMatchObject({ param: 'x'.repeat(64) });
  expect(await ask(route, '__proto__=1')).toMatchObject({ param: '__proto__' });
});

test("OpenAI's routes ignore what they do not know", async () => {
  for (const path of ['/v1/models', '/v1/files', '/v1/agents', '/v1/vaults', '/v1/agents/environments'])
    expect([path, (await ask({ method: 'get', path }, 'no_such_thing=1')).status]).toEqual([path, 200]);
  const answer = await stack.request('POST', '/v1/chat/completions?api-version=1', {
    body: { model: 'gpt-5.5', messages: [{ role: 'user', content: 'Hello.' }] },
  });
  expect(answer.status).toBe(200);
});
