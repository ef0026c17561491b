import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOG, WHICH_DOG } from '../support/said.ts';
import { type Ended, TestSocket } from '../support/socket.ts';
import { type Stack, startStack } from '../support/stack.ts';

/** Warm-ups and lanes of a WebSocket connection. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    clouds: ['aws'],
    config: { keys: [{ name: 'acme', secret: 'secret-of-acme-0000', tenant: 'acme' }] },
  });
});
afterAll(() => stack.close());

const ACME = 'secret-of-acme-0000';
const open = (): Promise<TestSocket> => TestSocket.open(stack, { key: ACME });
const LONG = 'Tell me a lot. [[words: 400]] [[latency: 5]]';
const text = (ended: Ended): string => JSON.stringify(ended.output);

describe('a warm-up', () => {
  test.each([true, false])(
    'calls no model, and its input comes first when it is continued (store: %s)',
    async store => {
      await stack.calm();
      const socket = await open();
      socket.create(DOG, { store, generate: false });
      const warm = await socket.end();
      expect(warm).toMatchObject({ status: 'completed', output: [], store: false, usage: { total_tokens: 0 } });
      expect(await stack.upstream()).toEqual([]);
      socket.create([], { store, generate: false, previous_response_id: warm.id });
      const twice = await socket.end();
      socket.create(WHICH_DOG, { store, previous_response_id: twice.id });
      const answered = await socket.end();
      expect(text(answered)).toContain(DOG);
      expect(answered).toMatchObject({ store, previous_response_id: store ? null : twice.id });
      const read = await stack.request('GET', `/v1/responses/${answered.id}/input_items?order=asc`, { key: ACME });
      expect(read.status).toBe(store ? 200 : 404);
      if (store) expect(await read.text()).toMatch(/Rex.*What is my dog/);
      // It is nowhere but here.
      expect((await stack.request('GET', `/v1/responses/${warm.id}`, { key: ACME })).status).toBe(404);
      socket.close();
    },
  );

  test('may have no input at all, as the one that Codex begins with; what it acknowledges is passed over', async () => {
    const socket = await open();
    for (const input of [[], null, undefined]) {
      socket.create(input, { store: false, generate: false, instructions: 'Be brief.' });
      const warm = await socket.end();
      expect(warm).toMatchObject({ status: 'completed', instructions: 'Be brief.' });
      socket.send({ type: 'response.processed', response_id: warm.id });
      socket.create(DOG, { store: false, previous_response_id: warm.id });
      expect(await socket.end()).toMatchObject({ status: 'completed', previous_response_id: warm.id });
    }
    socket.create([], { store: false });
    expect(await socket.end()).toMatchObject({ error: { code: 'invalid_request', param: 'input' } });
    socket.close();
  });

  test('can go on from a stored response; one that is not to be stored never becomes part of what is', async () => {
    const socket = await open();
    socket.create(DOG);
    const root = await socket.end();
    socket.create('Listen well.', { generate: false, previous_response_id: root.id });
    const warm = await socket.end();
    socket.create(WHICH_DOG, { previous_response_id: warm.id });
    expect(await socket.end()).toMatchObject({ previous_response_id: root.id, store: true });
    socket.create(DOG, { generate: false, store: false });
    const apart = await socket.end();
    socket.create(WHICH_DOG, { previous_response_id: apart.id });
    expect(await socket.end()).toMatchObject({ error: { code: 'previous_response_not_found' } });
    socket.create('x', { generate: false, conversation: 'conv_x' });
    expect(await socket.end()).toMatchObject({ error: { code: 'unsupported_parameter', param: 'generate' } });
    socket.create('x', { generate: false, model: 'nobody' });
    expect(await socket.end()).toMatchObject({ status: 404, error: { code: 'model_not_found' } });
    socket.close();
  });
});

describe('lanes', () => {
  test('run beside one another; each in the order in which it was asked', async () => {
    const socket = await open();
    socket.create(LONG, { stream_id: 'slow', store: false });
    socket.create('First.', { stream_id: 'slow', store: false });
    socket.create('Quick.', { stream_id: 'quick', store: false });
    const ends: [string | undefined, boolean][] = [];
    for (let i = 0; i < 3; i++) {
      const end = await socket.of('response.completed');
      ends.push([end.stream_id, JSON.stringify(end).includes('First.')]);
    }
    expect(ends).toEqual([
      ['quick', false],
      ['slow', false],
      ['slow', true],
    ]);
    socket.close();
  });

  test('fork what another lane made', async () => {
    const socket = await open();
    socket.create(DOG, { stream_id: 'main', store: false });
    const { id } = await socket.end('main');
    socket.create(WHICH_DOG, { stream_id: 'critic', store: false, previous_response_id: id });
    socket.create('Go on.', { stream_id: 'main', store: false, previous_response_id: id });
    expect(text(await socket.end('critic'))).toContain(DOG);
    socket.close();
  });

  test('are at most 32 a connection, besides the one without a name', async () => {
    const socket = await open();
    socket.create('x', { model: 'nobody' });
    for (let i = 0; i < 33; i++) socket.create('x', { model: 'nobody', stream_id: `lane_${i}` });
    const codes = new Map<unknown, unknown>();
    for (let i = 0; i < 34; i++) {
      const frame = await socket.of('error');
      codes.set(frame.stream_id, (frame['error'] as { code: string }).code);
    }
    expect(codes.get(undefined)).toBe('model_not_found');
    expect(codes.get('lane_31')).toBe('model_not_found');
    expect(codes.get('lane_32')).toBe('websocket_stream_limit_reached');
    socket.close();
  });
});
