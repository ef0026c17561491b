/** `store: false` and chat completions: no byte of content is anywhere below the data folder or in what the server prints, at any time and however it ends. */
import { type Emulator, startEmulator } from '@perdure/emulator';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesWith, holds } from '../support/data-bytes.ts';
import { type ServerProcess, Workplace } from '../support/server-process.ts';
import { MODEL, targetOf } from '../support/stack.ts';

const MARK = 'Zürich "7f3a9c2e51d8b604" end';
let emulator: Emulator;
let place: Workplace;
let server: ServerProcess;
let client: OpenAI;
beforeAll(async () => {
  emulator = await startEmulator({ clouds: ['aws'] });
  place = new Workplace();
  place.configure({ data: './data', targets: [targetOf(emulator, 'aws')] });
  await start();
});
afterAll(async () => {
  await place.close();
  await emulator.close();
});

async function start(): Promise<void> {
  server = await place.start();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 });
}

function clean(): void {
  expect(filesWith(place.folder, MARK)).toEqual([]);
  for (const said of [server.notes(), server.printed()]) expect(holds(Buffer.from(said), MARK)).toBe(false);
}

/** Everything that a request can say, said with the mark. */
const PNG = Buffer.from(`\x89PNG ${MARK} and more`).toString('base64');
const schema = {
  type: 'object',
  properties: { [MARK]: { type: 'string', description: MARK } },
  additionalProperties: true,
};
const tools = [{ type: 'function' as const, name: 'look', description: MARK, parameters: schema, strict: false }];
const base = {
  model: MODEL,
  store: false,
  instructions: MARK,
  metadata: { note: MARK },
  user: MARK.slice(0, 60),
  prompt_cache_key: MARK,
  safety_identifier: MARK,
};
const say = (more: string): string => `${MARK} ${more} ${MARK}`;
const image = [
  {
    role: 'user' as const,
    content: [
      { type: 'input_text' as const, text: MARK },
      { type: 'input_image' as const, detail: 'auto' as const, image_url: `data:image/png;base64,${PNG}` },
    ],
  },
];
const call = [
  { role: 'user' as const, content: MARK },
  { type: 'function_call' as const, call_id: 'call_1', name: 'look', arguments: JSON.stringify({ city: MARK }) },
  { type: 'function_call_output' as const, call_id: 'call_1', output: MARK },
];
const format = { format: { type: 'json_schema' as const, name: 'answer', schema, strict: false } };
const messages = [
  { role: 'system' as const, content: MARK },
  { role: 'user' as const, content: MARK },
];
const abandoned = async (input: string): Promise<void> => {
  const stream = await client.responses.create({ ...base, input, stream: true });
  for await (const _ of stream) break;
  stream.controller.abort();
};
const keyed = { headers: { 'Idempotency-Key': 'nothing-stored-1' } };
const slow = say('[[words: 60]] [[latency: 20]]');

const CASES: readonly (readonly [name: string, run: () => Promise<unknown>])[] = [
  ['answered', () => client.responses.create({ ...base, input: say('') })],
  ['streamed', () => client.responses.stream({ ...base, input: say('') }).finalResponse()],
  ['with tools', () => client.responses.create({ ...base, input: say('Use look {"city":"Oslo"}.'), tools })],
  ['with a tool call and its output', () => client.responses.create({ ...base, input: call, tools })],
  ['with a structured output', () => client.responses.create({ ...base, input: say(''), text: format })],
  ['with an image', () => client.responses.create({ ...base, input: image })],
  ['failed upstream', () => client.responses.create({ ...base, input: say('[[fault: status 500]]') })],
  ['refused upstream', () => client.responses.create({ ...base, input: say('[[fault: status 400]]') })],
  ['cut', () => client.responses.create({ ...base, input: say('[[fault: cut 3]]'), stream: true }).then(drained)],
  [
    'malformed',
    () => client.responses.create({ ...base, input: say('[[fault: malformed 2]]'), stream: true }).then(drained),
  ],
  [
    'an error in the stream',
    () => client.responses.create({ ...base, input: say('[[fault: error-event 2]]'), stream: true }).then(drained),
  ],
  ['left by its reader', () => abandoned(slow)],
  ['of a model that is not there', () => client.responses.create({ ...base, model: MARK, input: MARK })],
  ['not valid', () => client.responses.create({ ...base, input: MARK, temperature: 99 })],
  ['an orphan output', () => client.responses.create({ ...base, input: call.slice(2) })],
  [
    'of a response that is not there',
    () => client.responses.create({ ...base, input: MARK, previous_response_id: MARK }),
  ],
  ['under an idempotency key', () => client.responses.create({ ...base, input: say('') }, keyed)],
  ['under the same key again', () => client.responses.create({ ...base, input: say('') }, keyed)],
  ['under the same key with another body', () => client.responses.create({ ...base, input: say('other') }, keyed)],
  ['chat', () => client.chat.completions.create({ model: MODEL, messages, metadata: { note: MARK } })],
  ['chat, streamed', () => client.chat.completions.create({ model: MODEL, messages, stream: true }).then(drained)],
  [
    'chat, failed',
    () =>
      client.chat.completions.create({
        model: MODEL,
        messages: [{ role: 'user', content: say('[[fault: status 500]]') }],
      }),
  ],
  [
    'no JSON',
    () =>
      fetch(`${server.url}/v1/responses`, {
        method: 'POST',
        body: `{"input": "${MARK}`,
        headers: { 'content-type': 'application/json' },
      }),
  ],
  ['at no address', () => fetch(`${server.url}/v1/${encodeURIComponent(MARK)}`)],
];

async function drained(stream: AsyncIterable<unknown>): Promise<number> {
  let events = 0;
  for await (const _ of stream) events += 1;
  return events;
}

test.each(CASES)('%s', async (_, run) => {
  // While it runs, too.
  const running = run().then(
    () => 'answered',
    () => 'failed',
  );
  const pause = (): Promise<null> => new Promise(resolve => setTimeout(() => resolve(null), 10));
  do clean();
  while ((await Promise.race([running, pause()])) === null);
  clean();
});

test('a kill in the middle leaves nothing, nor does what takes over; the search would have found it', async () => {
  // The failures before have put the target down in the eyes of this process.
  server.kill('SIGTERM');
  await server.ended;
  await start();
  const stream = await client.responses.create({ ...base, input: slow, stream: true });
  await stream[Symbol.asyncIterator]().next();
  server.kill('SIGKILL');
  await server.ended;
  stream.controller.abort();
  clean();
  await start();
  clean();
  await client.responses.create({ model: MODEL, input: MARK });
  expect(filesWith(place.folder, MARK)).not.toEqual([]);
});
