/** The thread that writes a home ends in the middle of a turn: the turn is taken up again by itself, and nothing acknowledged is lost. */
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { said } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
const threads: Worker[] = [];
const born = (thread: Worker): void => void threads.push(thread);
beforeAll(async () => {
  process.on('worker', born);
  stack = await startStack();
});
afterAll(async () => {
  process.off('worker', born);
  await stack.close();
});

test.each(['store-writer', 'store-reader'])('%s', async name => {
  const client = stack.openai();
  const before = await client.responses.create({ model: MODEL, input: 'My dog is called Rex.' });
  const stream = await client.responses.create({
    model: MODEL,
    input: 'Tell me a lot. [[words: 100]] [[latency: 10]]',
    previous_response_id: before.id,
    stream: true,
  });
  let id = '';
  let shown = '';
  const reading = (async () => {
    for await (const event of stream) {
      if (event.type === 'response.created') id = event.response.id;
      if (event.type === 'response.output_text.delta') shown += event.delta;
    }
  })().catch(() => undefined);
  await vi.waitFor(() => expect(shown.length).toBeGreaterThan(20), 10_000);
  await threads
    .filter(thread => thread.threadName === name)
    .at(-1)
    ?.terminate();
  await reading;
  // It is finished by this same process, and what its reader saw is where it began.
  await vi.waitFor(async () => expect((await client.responses.retrieve(id)).status).toBe('completed'), {
    timeout: 30_000,
    interval: 200,
  });
  const events = await client.responses.retrieve(id, { stream: true });
  let again = '';
  for await (const event of events) if (event.type === 'response.output_text.delta') again += event.delta;
  expect(again.startsWith(shown)).toBe(true);
  const next = await client.responses.create({
    model: MODEL,
    input: 'What is my dog called?',
    previous_response_id: id,
  });
  expect(said(next)).toContain('Rex');
});
