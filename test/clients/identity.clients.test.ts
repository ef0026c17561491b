import type { DecisionFacts, PlacementResource, StatusResource, TargetResource } from '@perdure/protocol';
import type { FileKey } from '../../packages/server/src/main/config/file-form.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesWith } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { DOG, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** Who may do what, and L10: what is another tenant's looks like what does not exist, on every verb and hop. */
const secretOf = (name: string): string => `secret-of-${name}-0000`;
const key = (name: string, tenant: string, scopes?: FileKey['scopes']): FileKey => ({
  name,
  tenant,
  secret: secretOf(name),
  ...(scopes !== undefined && { scopes }),
});
const KEYS = [
  key('acme', 'acme'),
  key('acme-too', 'acme'),
  key('rival', 'rival'),
  key('reader', 'acme', ['read']),
  key('caller', 'acme', ['inference']),
  key('auditor', 'acme', ['auditor']),
  key('admin', 'acme', ['admin']),
  key('operator', 'house', ['operator']),
  key('overseer', 'house', ['operator', 'read']),
];
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ clouds: ['aws'], config: { keys: KEYS } });
});
afterAll(() => stack.close());

type Call = readonly [method: string, path: string, body?: unknown];
interface Told {
  readonly status: number;
  readonly text: string;
}
const send = async (
  [method, path, body]: Call,
  name: string | null,
  headers: { [name: string]: string } = {},
): Promise<Told> => {
  const response = await stack.request(method, path, { body, headers, ...(name !== null && { key: secretOf(name) }) });
  return { status: response.status, text: await response.text() };
};
const codeOf = ({ text }: Told): unknown => (JSON.parse(text) as { error?: { code?: string } }).error?.code;

/** What Acme has. */
const make = async () => {
  const client = stack.openai(secretOf('acme'));
  const items = [{ type: 'message' as const, role: 'user' as const, content: DOG }];
  const conversation = (await client.conversations.create({ items })).id;
  const item = (await client.conversations.items.list(conversation)).data[0]?.id ?? '';
  const { data, response } = await client.responses.create({ model: MODEL, input: DOG }).withResponse();
  const placement = response.headers.get('perdure-placement') ?? '';
  const evidence = JSON.parse(
    (await send(['GET', `/perdure/v1/placements/${placement}`], 'acme')).text,
  ) as PlacementResource;
  return {
    conversation,
    item,
    response: data.id,
    output: data.output[0]?.id ?? '',
    placement,
    session: evidence.session,
  };
};
type Made = Awaited<ReturnType<typeof make>>;

const hello = { model: MODEL, input: 'Hello.' };
const message = { role: 'user', content: 'Hello.' };
/** Every way in which a request can name something. */
const ways = ({ conversation, item, response, output, placement, session }: Made): readonly Call[] => [
  ['GET', `/v1/responses/${response}`],
  ['GET', `/v1/responses/${response}?stream=true`],
  ['GET', `/v1/responses/${response}/input_items`],
  ['GET', `/v1/conversations/${conversation}`],
  ['POST', `/v1/conversations/${conversation}`, { metadata: { mine: 'now' } }],
  ['GET', `/v1/conversations/${conversation}/items`],
  ['POST', `/v1/conversations/${conversation}/items`, { items: [message] }],
  ['GET', `/v1/conversations/${conversation}/items/${item}`],
  ['GET', `/perdure/v1/placements/${placement}`],
  ['GET', `/perdure/v1/placements?after=${placement}`],
  ['GET', `/perdure/v1/placements?session=${session}`],
  ['GET', `/perdure/v1/placements?response=${response}`],
  ['POST', '/perdure/v1/whatif', { sessions: [session] }],
  ['POST', '/v1/responses', { ...hello, previous_response_id: response }],
  ['POST', '/v1/responses', { ...hello, previous_response_id: response, stream: true }],
  ['POST', '/v1/responses', { ...hello, conversation }],
  ['POST', '/v1/responses', { ...hello, input: [{ type: 'item_reference', id: item }] }],
  ['POST', '/v1/responses', { ...hello, input: [{ type: 'item_reference', id: output }] }],
  ['POST', '/v1/responses', { ...hello, input: [{ type: 'item_reference', id: item }], store: false }],
  ['POST', '/v1/conversations', { items: [{ type: 'item_reference', id: item }] }],
  ['DELETE', `/v1/conversations/${conversation}/items/${item}`],
  ['DELETE', `/v1/conversations/${conversation}`],
  ['DELETE', `/v1/responses/${response}`],
];
/** Ids of the same form that nobody has. */
const nobodys = (made: Made): Made => {
  const other = (id: string): string => id.replace(/.{4}$/, tail => (tail === '0000' ? '0001' : '0000'));
  const body = (id: string): string => id.replace(/(?<=_.{20})./, letter => (letter === 'z' ? 'y' : 'z'));
  const { conversation, item, response, output, placement, session } = made;
  return {
    conversation: other(conversation),
    response: other(response),
    session: other(session),
    item: body(item),
    output: body(output),
    placement: body(placement),
  };
};
const without = (text: string, ids: Made): string =>
  Object.entries(ids).reduce((left, [name, id]) => left.replaceAll(id, name), text);

describe('another tenant', () => {
  test('is told the same as of what does not exist, whatever it tries, and changes nothing (L10)', async () => {
    const made = await make();
    const absent = nobodys(made);
    const foreign = ways(made);
    const missing = ways(absent);
    for (const [index, call] of foreign.entries()) {
      const told = await send(call, 'rival');
      const reference = await send(missing[index] ?? call, 'rival');
      const name = `${call[0]} ${call[1]} ${JSON.stringify(call[2] ?? null)}`;
      expect([name, told.status, without(told.text, made)]).toEqual([
        name,
        reference.status,
        without(reference.text, absent),
      ]);
      if (!call[1].includes('?session=') && !call[1].includes('?response=') && !call[1].includes('whatif')) {
        expect([name, told.status >= 400]).toEqual([name, true]);
      }
      expect(told.text).not.toContain('Rex');
    }
    // What Acme sees is as it was, and its other key sees it too.
    for (const name of ['acme', 'acme-too']) {
      const client = stack.openai(secretOf(name));
      expect((await client.conversations.retrieve(made.conversation)).metadata).toEqual({});
      expect((await client.conversations.items.list(made.conversation)).data).toHaveLength(1);
      const next = await client.responses.create({
        model: MODEL,
        input: WHICH_DOG,
        previous_response_id: made.response,
      });
      expect(said(next)).toBe(RECALLED);
    }
    for (const call of ways(made)) {
      const told = await send(call, 'acme');
      expect([call[0], call[1], told.status]).toEqual([call[0], call[1], 200]);
    }
  });

  test('has lists of its own', async () => {
    await make();
    const placements = (await send(['GET', '/perdure/v1/placements?limit=100'], 'rival')).text;
    const { data } = JSON.parse(placements) as { data: PlacementResource[] };
    expect(data.map(one => one.tenant)).toEqual(data.map(() => 'rival'));
    const status = JSON.parse((await send(['GET', '/perdure/v1/status'], 'rival')).text) as {
      placements: PlacementResource[];
    };
    expect(status.placements.every(one => one.tenant === 'rival')).toBe(true);
  });

  test('is not told how much others ask of a target', async () => {
    const slow = send(['POST', '/v1/responses', { ...hello, input: 'Slowly. [[words: 40]] [[latency: 20]]' }], 'acme');
    const inFlight = async (name: string): Promise<(number | null)[]> => {
      const status = JSON.parse((await send(['GET', '/perdure/v1/status'], name)).text) as Pick<
        StatusResource,
        'targets'
      >;
      const list = JSON.parse((await send(['GET', '/perdure/v1/targets'], name)).text) as { data: TargetResource[] };
      return [...status.targets, ...list.data].map(target => target.in_flight);
    };
    await expect.poll(() => inFlight('overseer')).toEqual([1, 1]);
    for (const name of ['rival', 'acme', 'auditor', 'reader'])
      expect([name, await inFlight(name)]).toEqual([name, [null, null]]);
    // What decisions see, beside the call.
    const facts = async (name: string, tenant = ''): Promise<DecisionFacts> =>
      JSON.parse((await send(['GET', `/perdure/v1/explain${tenant}`], name)).text) as DecisionFacts;
    for (const name of ['rival', 'acme', 'auditor', 'reader']) {
      const { health, shadow_ppm: shadow } = await facts(name);
      expect([name, health['aws-1']?.state, health['aws-1']?.in_flight, shadow]).toEqual([name, 'up', null, null]);
    }
    for (const tenant of ['?tenant=acme', '?tenant=rival', '']) {
      const { health, shadow_ppm: shadow } = await facts('overseer', tenant);
      expect([tenant, health['aws-1']?.in_flight, shadow]).toEqual([tenant, 1, {}]);
    }
    await slow;
  });

  test('is not told how many decisions of others were not enforced', async () => {
    const unenforced = async (name: string): Promise<unknown> =>
      (JSON.parse((await send(['GET', '/perdure/v1/status'], name)).text) as StatusResource).unenforced;
    expect(await unenforced('overseer')).toEqual({ refused: 0, moved: 0, waived: 0 });
    for (const name of ['rival', 'acme', 'auditor', 'reader'])
      expect([name, await unenforced(name)]).toEqual([name, null]);
  });

  test('may use the same idempotency key for something else', async () => {
    const headers = { 'idempotency-key': 'shared' };
    const mine = await send(['POST', '/v1/responses', hello], 'acme', headers);
    const theirs = await send(['POST', '/v1/responses', { ...hello, input: 'Other.' }], 'rival', headers);
    expect([mine.status, theirs.status]).toEqual([200, 200]);
    expect(theirs.text).toContain('Other.');
  });
});

describe('a key', () => {
  const HELLO: Call = ['POST', '/v1/responses', hello];

  test('is asked for on every route but the open ones', async () => {
    const made = await make();
    for (const call of [
      ...ways(made),
      ['GET', '/v1/models'],
      ['GET', '/nothing'],
      ['PUT', '/v1/responses'],
    ] as Call[]) {
      for (const [name, code] of [
        [null, 'missing_api_key'],
        ['nobody', 'invalid_api_key'],
      ] as const) {
        const told = await send(call, name);
        expect([call[0], call[1], told.status, codeOf(told)]).toEqual([call[0], call[1], 401, code]);
      }
    }
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/'])
      expect((await fetch(`${stack.url}${path}`)).status).toBe(200);
    expect((await send(['GET', `/v1/responses/${made.response}`], 'acme')).status).toBe(200);
  });

  test.each([
    'Basic c2VjcmV0',
    'Bearer',
    'Bearer ',
    'bearer',
    `Token ${secretOf('acme')}`,
    `Bearer ${secretOf('acme')} more`,
  ])('that comes as %j is none', async authorization => {
    const told = await send(HELLO, null, { authorization });
    expect([told.status, codeOf(told)]).toEqual([401, 'missing_api_key']);
  });

  test('is refused a body of any size before the body is read', async () => {
    const told = await send(['POST', '/v1/responses', '{'], 'nobody');
    expect([told.status, codeOf(told)]).toEqual([401, 'invalid_api_key']);
  });

  const reading: readonly Call[] = [
    ['GET', '/v1/responses/resp_x'],
    ['GET', '/v1/conversations/conv_x'],
    ['GET', '/v1/conversations/conv_x/items'],
  ];
  const evidence: readonly Call[] = [
    ['GET', '/perdure/v1/placements'],
    ['GET', '/perdure/v1/targets'],
    ['GET', '/perdure/v1/status'],
    ['GET', '/v1/models'],
    ['POST', '/perdure/v1/whatif', {}],
  ];
  const inference: readonly Call[] = [
    HELLO,
    ['POST', '/v1/chat/completions', { model: MODEL, messages: [message] }],
    ['POST', '/v1/conversations', {}],
    ['POST', '/v1/conversations/conv_x', { metadata: {} }],
    ['DELETE', '/v1/conversations/conv_x'],
    ['DELETE', '/v1/responses/resp_x'],
  ];
  const keys: readonly Call[] = [['GET', '/perdure/v1/keys']];
  const administration: readonly Call[] = [
    ['POST', '/perdure/v1/keys', { name: 'x' }],
    ['DELETE', '/perdure/v1/keys/key_x'],
  ];
  const scopes: readonly [name: string, may: readonly Call[], mayNot: readonly Call[]][] = [
    ['caller', [...inference, ...reading, ...evidence], [...keys, ...administration]],
    ['reader', [...reading, ...evidence], [...inference, ...keys, ...administration]],
    ['auditor', [...evidence, ...keys], [...inference, ...reading, ...administration]],
    ['admin', [...keys, ...administration], [...inference, ...reading, ...evidence]],
  ];
  test.each(scopes)('of the scope of the %s does what it is for and no more', async (name, may, mayNot) => {
    for (const call of may)
      expect([call[0], call[1], codeOf(await send(call, name))]).not.toContain('insufficient_scope');
    for (const call of mayNot) {
      const told = await send(call, name);
      expect([call[0], call[1], told.status, codeOf(told)]).toEqual([call[0], call[1], 403, 'insufficient_scope']);
    }
  });

  test('is made, shown once, used, revoked, and then refused at once and for good', async () => {
    const created = await send(['POST', '/perdure/v1/keys', { name: 'fresh', tenant: 'acme' }], 'admin');
    const { id, secret, prefix } = JSON.parse(created.text) as { id: string; secret: string; prefix: string };
    expect([created.status, secret.startsWith(prefix)]).toEqual([200, true]);
    const listed = (await send(['GET', '/perdure/v1/keys'], 'admin')).text;
    expect(listed).toContain(id);
    expect(listed).not.toContain(secret);
    const client = stack.openai(secret);
    expect((await client.responses.create(hello)).status).toBe('completed');
    expect((await send(['DELETE', `/perdure/v1/keys/${id}`], 'admin')).status).toBe(200);
    expect(await failureOf(client.responses.create(hello))).toMatchObject({ status: 401, code: 'invalid_api_key' });
    await stack.restart();
    expect(await failureOf(stack.openai(secret).responses.create(hello))).toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
    await stack.stop();
    for (const one of [secret, ...KEYS.map(({ name }) => secretOf(name))])
      expect(filesWith(stack.data, one)).toEqual([]);
    await stack.restart();
  });

  test('of another tenant is not there for an admin (L10), and is for an operator', async () => {
    const foreign = await send(['POST', '/perdure/v1/keys', { name: 'theirs', tenant: 'rival' }], 'operator');
    const { id } = JSON.parse(foreign.text) as { id: string };
    const refused = await send(['POST', '/perdure/v1/keys', { name: 'x', tenant: 'rival' }], 'admin');
    expect([refused.status, codeOf(refused)]).toEqual([403, 'insufficient_scope']);
    const raised = await send(['POST', '/perdure/v1/keys', { name: 'x', scopes: ['operator'] }], 'admin');
    expect([raised.status, codeOf(raised)]).toEqual([403, 'insufficient_scope']);
    expect((await send(['GET', '/perdure/v1/keys'], 'admin')).text).not.toContain(id);
    expect((await send(['DELETE', `/perdure/v1/keys/${id}`], 'admin')).status).toBe(404);
    expect((await send(['GET', '/perdure/v1/keys'], 'operator')).text).toContain(id);
    expect((await send(['DELETE', `/perdure/v1/keys/${id}`], 'operator')).status).toBe(200);
  });

  test.each([
    [{}, 'name'],
    [{ name: 'no spaces please' }, 'name'],
    [{ name: 'x', product: 'nothing' }, 'product'],
    [{ name: 'x', channel: 'nowhere' }, 'channel'],
    [{ name: 'x', segment: 'nobody' }, 'segment'],
    [{ name: 'x', scopes: ['everything'] }, 'scopes'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', scopes: true }, 'scopes'],
    [{ name: 'x', scopes: { operator: true } }, 'scopes'],
    [{ name: 7 }, 'name'],
  ])('as %j is not made', async (spec, param) => {
    const told = await send(['POST', '/perdure/v1/keys', spec], 'admin');
    expect([told.status, JSON.parse(told.text)]).toMatchObject([400, { error: { code: 'invalid_request', param } }]);
  });
});
