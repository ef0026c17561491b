import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Step } from '../../packages/server/src/log/steps.ts';
import {
  type CallScript,
  END,
  failure,
  functionCall,
  message,
  thenFail,
} from '../../packages/server/src/engine/scripted-provider.test-support.ts';
import { ACME, type Gate, gate, read } from '../../packages/server/src/engine/world.test-support.ts';
import { type Frame, TestSocket } from '../support/socket.ts';
import { type SocketWorld, startSocketWorld } from '../support/socket-world.ts';

/** `response.steer`, with the upstream held at the places that matter. */
let served: SocketWorld;
let socket: TestSocket;
beforeEach(async () => {
  served = await startSocketWorld();
  socket = await TestSocket.open(served, { key: 'ACME' });
});
afterEach(async () => {
  socket.close();
  await served.close();
});

const TOOLS = [{ type: 'function', name: 'look', parameters: { type: 'object', properties: {} } }];
const create = (input: unknown, more: object = {}): void => socket.create(input, { model: 'gpt', ...more });
const steer = (id: string, input: unknown, more: object = {}): void =>
  socket.send({ type: 'response.steer', previous_response_id: id, input, ...more });

/** Says the first steps, waits, then says the rest. */
function held(before: readonly Step[], opens: Gate, after: readonly Step[]): CallScript {
  return async function* script() {
    for (const step of before) yield [step];
    await opens.opened;
    for (const step of after) yield [step];
    yield [END];
  };
}

async function created(): Promise<string> {
  const frame = await socket.of('response.created');
  return (frame['response'] as { id: string }).id;
}

/** What the nth call was sent, as texts of who said what. */
const sent = (call: number): string =>
  JSON.stringify(served.world.provider.calls[call]?.context.flatMap(({ items }) => items));
const steerOf = (frame: Frame): { id?: string; previous_response_id: string; input?: unknown } =>
  frame['steer'] as { id?: string; previous_response_id: string };

describe.each([true, false])('steering (store: %s)', store => {
  test('ends the response between two items, and its input goes into a successor that is like it', async () => {
    const opens = gate();
    served.world.provider.inTurn(held(message('I will look.'), opens, functionCall('c1', '{}', 1)), () =>
      held(message('As you wish.'), opens, [])({} as never, 0),
    );
    create('Begin.', { store, tools: TOOLS, instructions: 'Be brief.', temperature: 0.5, stream_id: 'main' });
    const id = await created();
    await socket.of('response.output_item.done');
    steer(id, 'Rather not.');
    const accepted = await socket.of('response.steer.accepted', 'main');
    expect(accepted).toMatchObject({ steer: { id: expect.stringMatching(/^steer_/), previous_response_id: id } });
    steer(id, [{ role: 'user', content: [{ type: 'input_text', text: 'Please.' }] }]);
    await socket.of('response.steer.accepted');
    opens.open();
    expect(await socket.end('main')).toMatchObject({
      id,
      status: 'incomplete',
      incomplete_details: { reason: 'steered' },
      output: [{ type: 'message', status: 'completed' }],
    });
    const next = await socket.of('response.created', 'main');
    expect(next).toMatchObject({
      response: { previous_response_id: id, store, instructions: 'Be brief.', temperature: 0.5, tools: TOOLS },
    });
    expect(await socket.end('main')).toMatchObject({ status: 'completed' });
    if (store) {
      // Read back as it was shown.
      const shown = socket.texts.filter(text => text.includes(id) || text.includes(id.slice(5)));
      const until = shown.findIndex(text => text.startsWith('{"type":"response.incomplete"'));
      const events = shown.slice(0, until + 1).filter(text => !text.includes('response.steer'));
      const stored = await read(await served.booted.engine.stream(ACME, id, -1));
      expect(stored).toEqual(events.map(text => text.replace(',"stream_id":"main"}', '}')));
    }
    expect(sent(1)).toMatch(/Begin.*I will look.*Rather not.*Please\./);
    expect(sent(1)).not.toContain('function_call');
    expect(socket.frames.filter(({ type }) => type === 'error')).toEqual([]);
  });

  test('of a response that has nothing more to say follows its end', async () => {
    const opens = gate();
    served.world.provider.inTurn(held(message('All').slice(0, 3), opens, message('All').slice(3)), () =>
      held(message('Then this.'), opens, [])({} as never, 0),
    );
    create('Begin.', { store });
    const id = await created();
    steer(id, 'One more thing.');
    await socket.of('response.steer.accepted');
    opens.open();
    expect(await socket.end()).toMatchObject({ id, status: 'completed' });
    expect(await socket.end()).toMatchObject({ status: 'completed', previous_response_id: id });
    expect(sent(1)).toMatch(/Begin.*All.*One more thing/);
    steer(id, 'Too late.');
    const failed = await socket.of('response.steer.failed');
    expect(failed).toMatchObject({ error: { code: 'response_already_completed' } });
    expect(steerOf(failed)).toEqual({ previous_response_id: id, input: 'Too late.' });
  });

  test('of one that waits for its client’s outputs waits too, and comes before them', async () => {
    const opens = gate();
    served.world.provider.inTurn(held(functionCall('c1'), opens, []), () =>
      held(message('Done.'), opens, [])({} as never, 0),
    );
    create('Begin.', { store, tools: TOOLS, stream_id: 'a' });
    const id = await created();
    steer(id, 'And quickly.');
    const { id: steerId } = steerOf(await socket.of('response.steer.accepted'));
    opens.open();
    await socket.end('a');
    expect(await socket.of('response.steer.pending', 'a')).toMatchObject({
      steer: { id: steerId, previous_response_id: id },
      reason: 'waiting_for_required_input',
      required_input: [{ type: 'function_call_output', call_id: 'c1', name: 'look' }],
    });
    const output = { type: 'function_call_output', call_id: 'c1', output: 'seen' };
    create([output], { store, previous_response_id: id, stream_id: 'a' });
    expect(await socket.end('a')).toMatchObject({ status: 'completed', tools: [] });
    expect(sent(1)).toMatch(/And quickly.*seen/);
    // It was committed: it comes no second time.
    create([output], { store, previous_response_id: id, stream_id: 'a' });
    expect(await socket.end('a')).toMatchObject({ status: 'completed' });
    expect(sent(2)).not.toContain('And quickly');
  });

  test('is given back if the response fails', async () => {
    const opens = gate();
    served.world.provider.follow(async function* script() {
      for (const step of functionCall('c1').slice(0, 2)) yield [step];
      await opens.opened;
      throw failure('upstream_interrupted');
    });
    create('Begin.', { store, tools: TOOLS });
    const id = await created();
    await socket.of('response.output_item.added');
    steer(id, 'Go on.');
    const { id: steerId } = steerOf(await socket.of('response.steer.accepted'));
    opens.open();
    expect(await socket.end()).toMatchObject({ status: 'failed' });
    const failed = await socket.of('response.steer.failed');
    expect(failed).toMatchObject({ error: { code: 'successor_creation_failed' } });
    expect(steerOf(failed)).toEqual({ id: steerId, previous_response_id: id, input: 'Go on.' });
    steer(id, 'Again.');
    expect(await socket.of('response.steer.failed')).toMatchObject({ error: { code: 'response_not_active' } });
  });

  test('is given back if no successor can begin', async () => {
    const opens = gate();
    served.world.provider.inTurn(held(message('One.'), opens, []), () =>
      thenFail([], failure('upstream_rejected', { status: 400 })),
    );
    create('Begin.', { store });
    const id = await created();
    steer(id, 'Go on.');
    await socket.of('response.steer.accepted');
    opens.open();
    expect(await socket.end()).toMatchObject({ id, status: 'completed' });
    if (store) {
      // A stored successor has begun before its upstream is asked: the input is in it.
      expect(await socket.end()).toMatchObject({ status: 'failed', previous_response_id: id });
      return;
    }
    expect(await socket.of('response.steer.failed')).toMatchObject({ error: { code: 'successor_creation_failed' } });
    expect(socket.frames.at(-1)?.type).toBe('response.steer.failed');
  });
});

describe('a steer', () => {
  test.each([
    ['a stream id', { input: 'x', stream_id: 'a' }],
    ['no input', { input: undefined }],
    ['an empty text', { input: '' }],
    ['an empty list', { input: [] }],
    ['another role', { input: [{ role: 'system', content: 'x' }] }],
    ['a tool output', { input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] }],
    ['a field that messages have not', { input: [{ role: 'user', content: 'x', name: 'y' }] }],
    ['another kind of part', { input: [{ role: 'user', content: [{ type: 'output_text', text: 'x' }] }] }],
    ['a part without its text', { input: [{ role: 'user', content: [{ type: 'input_text' }] }] }],
    ['something that is no message', { input: ['x'] }],
  ])('with %s is refused', async (_, body) => {
    const opens = gate();
    served.world.provider.follow(held([], opens, message('Hi.')));
    create('Begin.');
    const id = await created();
    steer(id, null, body);
    expect(await socket.of('response.steer.failed')).toMatchObject({ error: { code: 'invalid_input' } });
    opens.open();
    expect(await socket.end()).toMatchObject({ status: 'completed' });
  });

  test('of a conversation, of a compacting response and of nothing is refused', async () => {
    const opens = gate();
    served.world.provider.follow(held([], opens, message('Hi.')));
    const { id: conversation } = await served.booted.engine.conversations.create(ACME, [], {});
    const compacts = [{ type: 'compaction', compact_threshold: 1000 }];
    for (const [stream_id, more] of Object.entries({ a: { conversation }, b: { context_management: compacts } })) {
      create('Begin.', { stream_id, ...more });
      steer(await created(), 'x');
      const failed = await socket.of('response.steer.failed', stream_id);
      expect(failed).toMatchObject({ error: { code: 'steering_not_supported' } });
    }
    steer('resp_nothing', 'x');
    expect(await socket.of('response.steer.failed')).toMatchObject({ error: { code: 'response_not_found' } });
    opens.open();
    await socket.end();
    await socket.end();
  });

  test('is one of eight at most that wait for a response', async () => {
    const opens = gate();
    served.world.provider.inTurn(held([], opens, message('Hi.')), () =>
      held(message('Ok.'), opens, [])({} as never, 0),
    );
    create('Begin.');
    const id = await created();
    for (let i = 0; i < 9; i++) steer(id, `Number ${i}.`);
    const failed = await socket.of('response.steer.failed');
    expect(failed).toMatchObject({ error: { code: 'too_many_pending_steers' } });
    expect(steerOf(failed).input).toBe('Number 8.');
    opens.open();
    await socket.end();
    await socket.end();
    expect(sent(1)).toMatch(/Number 0.*Number 7/);
    expect(sent(1)).not.toContain('Number 8');
  });
});
