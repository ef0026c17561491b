import { connect, type Socket } from 'node:net';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { HangingStores, type StoreOperation } from '../support/hanging-store.ts';
import { all, DOG, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** Each dependency in turn hangs for good: every request still ends, with the documented error, and the server goes on afterwards. */
/** The shortest that may be configured. */
const LEASE_MS = 3_000;
const stores = new HangingStores();
let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  const limits = {
    store_ms: 300,
    lease_ms: LEASE_MS,
    turn_ms: 3_000,
    patience_ms: 500,
    resume_ms: 2_500,
    upstream: { first_byte_ms: 1_000, idle_ms: 1_000 },
  };
  stack = await startStack({ clouds: ['aws'], config: { limits }, openHome: stores.openHome });
  client = stack.openai();
});
afterAll(async () => {
  stores.heal();
  await stack.close();
});

const hello = { model: MODEL, input: 'Hello.' };
/** Its deltas come one by one, so that they are released before the end. */
const slowly = { model: MODEL, input: 'Hello. [[latency: 5]]' };
const items = [{ type: 'message' as const, role: 'user' as const, content: DOG }];
interface Made {
  readonly response: string;
  readonly conversation: string;
  readonly item: string;
  readonly placement: string;
}
const make = async (): Promise<Made> => {
  const conversation = (await client.conversations.create({ items })).id;
  const item = (await client.conversations.items.list(conversation)).data[0]?.id ?? '';
  const { data, response } = await client.responses.create({ model: MODEL, input: DOG }).withResponse();
  return { conversation, item, response: data.id, placement: response.headers.get('perdure-placement') ?? '' };
};
/** One request of every kind. */
const requests = ({ response, conversation, item, placement }: Made): [name: string, () => Promise<unknown>][] => {
  const previous = { ...hello, previous_response_id: response };
  const chat = { model: MODEL, messages: [{ role: 'user' as const, content: 'Hello.' }] };
  const get = async (path: string): Promise<void> => {
    const answer = await stack.request('GET', path);
    const body = (await answer.json()) as { error?: { code: string } };
    if (answer.status !== 200) expect([answer.status, body.error?.code]).toEqual([503, 'store_unavailable']);
  };
  return [
    ['stored', () => client.responses.create(hello)],
    ['stored stream', async () => all(await client.responses.create({ ...slowly, stream: true }))],
    ['continued', () => client.responses.create(previous)],
    ['continued stream', async () => all(await client.responses.create({ ...previous, stream: true }))],
    ['with a key', () => client.responses.create(hello, { headers: { 'idempotency-key': crypto.randomUUID() } })],
    ['in a conversation', () => client.responses.create({ ...hello, conversation })],
    ['stateless', () => client.responses.create({ ...hello, store: false })],
    [
      'stateless with a key',
      () =>
        client.responses.create({ ...hello, store: false }, { headers: { 'idempotency-key': crypto.randomUUID() } }),
    ],
    ['stateless stream', async () => all(await client.responses.create({ ...hello, store: false, stream: true }))],
    ['chat', () => client.chat.completions.create(chat)],
    ['chat stream', async () => all(await client.chat.completions.create({ ...chat, stream: true }))],
    ['retrieve', () => client.responses.retrieve(response)],
    ['input items', () => client.responses.inputItems.list(response)],
    ['conversation', () => client.conversations.retrieve(conversation)],
    ['new conversation', () => client.conversations.create({ items })],
    ['items', () => client.conversations.items.list(conversation)],
    ['item', () => client.conversations.items.retrieve(item, { conversation_id: conversation })],
    ['more items', () => client.conversations.items.create(conversation, { items })],
    ['update', () => client.conversations.update(conversation, { metadata: {} })],
    ['placement', () => get(`/perdure/v1/placements/${placement}`)],
    ['placements', () => get('/perdure/v1/placements')],
    ['status', () => get('/perdure/v1/status')],
  ];
};

/** These take away what the others look for. */
const deletions = ({ response, conversation, item }: Made): [name: string, () => Promise<unknown>][] => [
  ['delete item', () => client.conversations.items.delete(item, { conversation_id: conversation })],
  ['delete conversation', () => client.conversations.delete(conversation)],
  ['delete', () => client.responses.delete(response)],
];

describe('a store that hangs', () => {
  const operations: readonly StoreOperation[] = [
    'append',
    'release',
    'session',
    'events',
    'response',
    'runs',
    'runByBase',
    'placementLog',
    'retained',
    'renew',
    'reserve',
    'settle',
  ];

  test.each(operations)(
    'in %s ends every request with an answer or 503 store_unavailable, and works again once it is well',
    async operation => {
      stores.heal();
      const [made, doomed] = [await make(), await make()];
      // Read again, so that the store is asked and not the cache.
      await stack.restart();
      client = stack.openai();
      stores.hang(operation);
      // A lease that still holds is not renewed.
      if (operation === 'renew') await new Promise(resolve => setTimeout(resolve, LEASE_MS));
      await Promise.all(
        [...requests(made), ...deletions(doomed)].map(async ([name, request]) => {
          await request().catch(async (thrown: unknown) => {
            // What a stored stream cannot tell for certain it does not tell: it breaks off, and can be read on later.
            if (name.includes('stream') && thrown instanceof TypeError && thrown.message === 'terminated') return;
            const { status, code } = await failureOf(Promise.reject(thrown));
            // A stream that has begun has no status any more.
            const told = status === undefined || status === 503 ? code : `${status} ${code ?? ''}`;
            // Requests in one conversation may also meet each other.
            expect([name, told === '400 conversation_locked' ? 'store_unavailable' : told]).toEqual([
              name,
              'store_unavailable',
            ]);
          });
        }),
      );
      expect(stores.caught, 'calls that hung').toBeGreaterThan(0);
      stores.heal();
      // A renewal under way when the store came back is given up after half the lease.
      const well = (): Promise<string | undefined> =>
        client.responses.create(hello).then(
          response => response.status,
          (): undefined => undefined,
        );
      await expect.poll(well, { timeout: LEASE_MS * 3 }).toBe('completed');
      const one = await client.responses.create({ model: MODEL, input: DOG });
      expect(
        said(await client.responses.create({ model: MODEL, input: WHICH_DOG, previous_response_id: one.id })),
      ).toBe(RECALLED);
      expect((await client.responses.create({ ...hello, store: false })).status).toBe('completed');
      expect(await client.conversations.items.list((await make()).conversation)).toMatchObject({ has_more: false });
    },
    60_000,
  );
});

describe('a reader that does not read', () => {
  let patient: Stack;
  beforeAll(async () => {
    patient = await startStack({ clouds: ['aws'], config: { limits: { patience_ms: 300, turn_ms: 60_000 } } });
  });
  afterAll(() => patient.close());

  /** Opens a stream and takes nothing of it: what the kernel does not hold for it stays with the server. */
  const deaf = (body: object): Socket => {
    const { hostname, port } = new URL(patient.url);
    const socket = connect(Number(port), hostname);
    const json = JSON.stringify(body);
    socket.pause();
    socket.on('error', () => undefined);
    const head = 'POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
    socket.write(`${head}content-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
    return socket;
  };
  const ended = async (): Promise<string | null | undefined> => (await patient.upstream()).at(-1)?.ended;
  const flood = { model: MODEL, input: 'Tell me all. [[bytes: 1000000]]', stream: true };
  const soon = { timeout: 45_000, interval: 200 };

  test('of a stateless stream is cut, and the upstream let go', async () => {
    const socket = deaf({ ...flood, store: false });
    await expect.poll(ended, soon).toBe('client-left');
    socket.destroy();
  }, 60_000);

  test('of a stored stream is cut, and the turn goes on to its end', async () => {
    await patient.calm();
    const socket = deaf({ ...flood, input: 'Tell me all. [[bytes: 200000]]' });
    await expect.poll(ended, soon).toBe('completed');
    socket.destroy();
    const list = await patient.request('GET', '/perdure/v1/placements?limit=1');
    const { data } = (await list.json()) as { data: { response: string }[] };
    const id = data[0]?.response ?? '';
    await expect.poll(async () => (await patient.openai().responses.retrieve(id)).status, soon).toBe('completed');
    const response = await patient.openai().responses.retrieve(id);
    expect(response.output_text.length).toBeGreaterThan(190_000);
  }, 60_000);
});
