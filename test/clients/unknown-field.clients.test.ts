/** Every route of ours that takes a body, as the OpenAPI document has it, refuses a field that its body does not have; OpenAI's routes ignore it. */
import { randomFillSync } from 'node:crypto';
import { environmentParam, parseBody } from '@perdure/protocol';
import { isOurs, type Route, ROUTES } from '@perdure/protocol/openapi';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HomeId, homeTag, makeIds, type SessionId } from '../../packages/server/src/kernel/ids.ts';
import { LOCAL_CALLER } from '../../packages/server/src/main/keys.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

const HOME = 'local' as HomeId;
const IDS = makeIds({ now: () => Date.now() }, into => randomFillSync(into));
/** Its caller is known by a token, before its body is read. */
const WORKER = 'post /perdure/v1/environments/{environment_id}/worker';

let stack: Stack;
let environment: string;
let token: string;

beforeAll(async () => {
  stack = await startStack();
  const { environments } = stack.engine;
  const given = parseBody(environmentParam, { type: 'self_hosted', workspace_directory: '/srv/app' });
  if (!given.ok) throw given.error;
  const of = { session: IDS.next('sess', homeTag(HOME)) as SessionId, home: HOME };
  environment = (await environments.sessions.bind(LOCAL_CALLER, { given: given.value, vaults: [], of })).id ?? '';
  token = (await environments.workers.createToken(LOCAL_CALLER, environment)).token ?? '';
});
afterAll(() => stack.close());

const named = ({ method, path }: Route): string => `${method} ${path}`;
const bodied = ROUTES.filter(isOurs).filter(({ body }) => body !== undefined);

async function ask(route: Route, body: unknown): Promise<unknown> {
  const worker = named(route) === WORKER;
  const path = route.path.replace(/\{\w+\}/g, worker ? environment : 'x_1');
  const headers = worker ? { authorization: `Bearer ${token}` } : {};
  const response = await stack.request(route.method.toUpperCase(), path, { body, headers });
  const { error = {} } = (await response.json()) as { error?: Record<string, unknown> };
  return { status: response.status, code: error['code'], param: error['param'], message: error['message'] };
}

test('there are routes of ours to walk, and none takes a text', () => {
  expect(bodied.length).toBeGreaterThanOrEqual(20);
  expect(bodied.map(({ body }) => body)).not.toContain('text');
  expect(bodied.map(named)).toContain(WORKER);
});

test.each(bodied.map(route => [named(route), route] as const))('%s', async (_, route) => {
  expect(await ask(route, { no_such_thing: 1 })).toEqual({
    status: 400,
    code: 'unsupported_parameter',
    param: 'no_such_thing',
    message: expect.stringMatching(/^There is no 'no_such_thing' here \(there are: /),
  });
  expect(await ask(route, {})).not.toMatchObject({ code: 'unsupported_parameter' });
});

test("OpenAI's routes ignore what they do not know", async () => {
  for (const [path, body] of [
    ['/v1/conversations', {}],
    ['/v1/responses', { model: MODEL, input: 'Hello.' }],
    ['/v1/chat/completions', { model: MODEL, messages: [{ role: 'user', content: 'Hello.' }] }],
  ] as const)
    expect([path, (await stack.request('POST', path, { body: { ...body, no_such_thing: 1 } })).status]).toEqual([
      path,
      200,
    ]);
});
