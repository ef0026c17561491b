import { type Emulator, startEmulator } from '@perdure/emulator';
import OpenAI from 'openai';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { all, DOG, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { type ServerProcess, Workplace } from '../support/server-process.ts';
import { MODEL, targetOf } from '../support/stack.ts';

/** The server as a process: it starts, it drains, it dies, and what was acknowledged is there afterwards. */
let emulator: Emulator;
let place: Workplace;
beforeEach(async () => {
  emulator = await startEmulator({ clouds: ['aws'] });
  place = new Workplace();
  place.configure({ data: './data', targets: [targetOf(emulator, 'aws')], limits: { lease_ms: 3_000 } });
});
afterEach(async () => {
  await place.close();
  await emulator.close();
});
const clientOf = ({ url }: ServerProcess): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
const SLOW = 'Slowly. [[words: 60]] [[latency: 20]]';
const asked = async (): Promise<number> =>
  ((await (await fetch(`${emulator.url}/_emulator/log`)).json()) as { total: number }).total;

test('announces itself, works, ends on SIGTERM with 0, and remembers', async () => {
  const first = await place.start();
  expect(first.announced).toMatchObject({ url: first.url, pid: first.pid, targets: [{ id: 'aws-1', emulated: true }] });
  const one = await clientOf(first).responses.create({ model: MODEL, input: DOG });
  first.kill('SIGTERM');
  expect(await first.ended).toEqual({ code: 0, signal: null });
  const second = await place.start();
  expect(
    said(await clientOf(second).responses.create({ model: MODEL, input: WHICH_DOG, previous_response_id: one.id })),
  ).toBe(RECALLED);
});

test('finishes the turns in flight before it ends, and takes no new ones', async () => {
  const server = await place.start();
  const client = clientOf(server);
  const running = client.responses.create({ model: MODEL, input: SLOW });
  const streaming = await client.responses.create({ model: MODEL, input: SLOW, stream: true });
  await expect.poll(asked).toBe(2);
  server.kill('SIGTERM');
  await expect.poll(() => server.notes()).toContain('draining');
  await expect(client.responses.create({ model: MODEL, input: 'Hello.' })).rejects.toThrow();
  expect((await running).status).toBe('completed');
  expect((await all(streaming)).at(-1)?.type).toBe('response.completed');
  expect(await server.ended).toEqual({ code: 0, signal: null });
});

test('killed in the middle of a stream, the turn is finished once by the next process, and what was seen stays', async () => {
  const first = await place.start();
  const seen: string[] = [];
  let id = '';
  const stream = await clientOf(first).responses.create({ model: MODEL, input: SLOW, stream: true });
  await expect(
    (async () => {
      for await (const event of stream) {
        if (event.type === 'response.created') id = event.response.id;
        if (event.type === 'response.output_text.delta') seen.push(event.delta);
        if (seen.length === 5) first.kill('SIGKILL');
      }
    })(),
  ).rejects.toThrow();
  await first.ended;
  const second = clientOf(await place.start());
  const status = async (): Promise<unknown> => (await second.responses.retrieve(id)).status;
  await expect.poll(status, { timeout: 20_000 }).toBe('completed');
  const events = await all(await second.responses.retrieve(id, { stream: true }));
  expect(events.map(event => event.sequence_number)).toEqual(events.map((_, index) => index));
  const shown = events.flatMap(event =>
    event.type === 'response.output_text.delta' && event.output_index === 0 ? [event.delta] : [],
  );
  expect(shown.slice(0, seen.length)).toEqual(seen);
  expect((await second.responses.retrieve(id)).output).toMatchObject([
    { status: 'incomplete', phase: 'commentary' },
    { status: 'completed', phase: 'final_answer' },
  ]);
});

test('a second server on the same data is refused', async () => {
  await place.start();
  await expect(place.start()).rejects.toThrow(/in use|another|lock/i);
});
