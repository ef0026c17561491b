import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SocketWorld, startSocketWorld } from '../support/socket-world.ts';
import { TestSocket } from '../support/socket.ts';

/** Whatever text frames come: each is answered or taken, no fault is the server's, and the connection is good for the next. */
let served: SocketWorld;
beforeAll(async () => {
  served = await startSocketWorld();
});
afterAll(() => served.close());

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 300);

const id = fc.constantFrom('resp_1', 'resp_nothing', '', 'resp_01km5hvqg06vpc4k96fgqt8y32vw');
const strange = fc.oneof(fc.jsonValue(), fc.string(), fc.constant(null), fc.integer(), fc.boolean());
const input = fc.oneof(
  fc.string(),
  fc.constant([{ role: 'user', content: 'x' }]),
  fc.constant([{ type: 'function_call_output', call_id: 'c', output: 'x' }]),
  strange,
);
const create = fc.record(
  {
    type: fc.constant('response.create'),
    model: fc.oneof({ weight: 5, arbitrary: fc.constant('gpt') }, { weight: 1, arbitrary: strange }),
    input,
    store: fc.oneof(fc.boolean(), strange),
    generate: fc.oneof(fc.boolean(), strange),
    stream_id: fc.oneof(fc.constantFrom('a', 'b', '', 'a b', '\u0000'), strange),
    previous_response_id: fc.oneof(id, strange),
    background: fc.boolean(),
    tools: strange,
    conversation: strange,
    context_management: strange,
  },
  { requiredKeys: ['type', 'model'] },
);
const steer = fc.record(
  { type: fc.constant('response.steer'), previous_response_id: fc.oneof(id, strange), input, more: strange },
  { requiredKeys: ['type'] },
);
const frame: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: create.map(value => JSON.stringify(value)) },
  { weight: 2, arbitrary: steer.map(value => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map(text => text.toWellFormed()) },
);

test('frames of any kind', async () => {
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), async frames => {
      const socket = await TestSocket.open(served, { key: 'ACME' });
      for (const one of frames) socket.send(one);
      socket.create('At last.', { model: 'gpt', store: false, stream_id: 'last' });
      expect(await socket.end('last')).toMatchObject({ status: 'completed' });
      for (const { type, status, error } of socket.frames) {
        if (type === 'error')
          expect([status, error]).toEqual([expect.any(Number), expect.objectContaining({ code: expect.any(String) })]);
        if (type === 'error') expect(Number(status)).toBeLessThan(500);
      }
      asked += frames.length;
      socket.close();
      await socket.closed;
    }),
    { numRuns: RUNS },
  );
  expect(asked).toBeGreaterThanOrEqual(RUNS);
});
