import { ResponsesWS } from 'openai/resources/responses/ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MODEL, type Stack, startStack } from '../support/stack.ts';
let stack: Stack;
beforeAll(async () => { stack = await startStack(); });
afterAll(() => stack.close());
test('smoke', async () => {
  const ws = new ResponsesWS(stack.openai());
  ws.send({ type: 'response.create', model: MODEL, input: 'My dog is called Rex.', store: false });
  for await (const event of ws) {
    console.log(JSON.stringify(event).slice(0, 300));
    if (event.type === 'message' && event.message.type === 'response.completed') {
      if (event.message.response.previous_response_id) break;
      ws.send({ type: 'response.create', model: MODEL, input: 'What is my dog called?', store: false, previous_response_id: event.message.response.id, stream_id: 'x' });
    }
    if (event.type === 'error') break;
  }
  ws.close();
  expect(1).toBe(1);
});
