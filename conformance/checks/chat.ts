/** Chat Completions and the models: what clients of the older interface need. */
import { type Check, must, same } from '../check.ts';
import { at, isJson, type Json, listAt, textAt } from '../json.ts';
import { refusedAsRoute, said, type Server, type Streamed } from '../server.ts';
import { dog, WHICH } from './chaining.ts';

const TOOL = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'The weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

async function chat(server: Server, body: Json): Promise<Json> {
  const answer = await server.post('/chat/completions', body);
  refusedAsRoute(answer);
  must(answer.status === 200 && isJson(answer.body), `answered ${said(answer)}`);
  return answer.body;
}

async function streamed(server: Server, body: Json): Promise<Streamed> {
  const answer = await server.stream('POST', '/chat/completions', { body: { ...body, stream: true } });
  refusedAsRoute(answer);
  must(answer.status === 200 && answer.events.length > 0, `answered ${said(answer)}`);
  return answer;
}

const user = (content: string): Json => ({ role: 'user', content });

export const CHAT: readonly Check[] = [
  {
    id: 'chat.completion',
    asks: 'A chat completion has its form, its finish reason and its usage.',
    why: 'Most clients in the world read it.',
    async run({ server, model, word }) {
      const name = word();
      const messages = [
        { role: 'system', content: 'Be brief.' },
        user(dog(name)),
        { role: 'assistant', content: 'Good.' },
        user(WHICH),
      ];
      const completion = await chat(server, { model, messages });
      same([completion['object'], listAt(completion, 'choices').length], ['chat.completion', 1], 'object and choices');
      must(Number.isSafeInteger(completion['created']), 'created is no whole number');
      same(
        [at(completion, 'choices', 0, 'index'), at(completion, 'choices', 0, 'finish_reason')],
        [0, 'stop'],
        'index and reason',
      );
      same(at(completion, 'choices', 0, 'message', 'role'), 'assistant', 'the role');
      const content = textAt(completion, 'choices', 0, 'message', 'content');
      must(content.includes(name), `answered ${content}`);
      const usage = ['prompt_tokens', 'completion_tokens', 'total_tokens'].map(key =>
        Number(at(completion, 'usage', key)),
      );
      same(usage[2], (usage[0] ?? 0) + (usage[1] ?? 0), 'total_tokens');
      return content.slice(0, 80);
    },
  },
  {
    id: 'chat.stream',
    asks: 'A chat stream has chunks of one id, a role first, a finish reason last, and ends with [DONE].',
    why: 'Clients wait for [DONE].',
    async run({ server, model }) {
      const { events, faults } = await streamed(server, { model, messages: [user('Hello.')] });
      same(faults, [], 'the faults of the framing');
      same(events.at(-1)?.text, '[DONE]', 'the last event');
      const chunks = events.map(event => event.json).filter(isJson);
      same([...new Set(chunks.map(chunk => chunk['object']))], ['chat.completion.chunk'], 'object');
      same(new Set(chunks.map(chunk => chunk['id'])).size, 1, 'the number of ids');
      same(at(chunks[0], 'choices', 0, 'delta', 'role'), 'assistant', 'the first role');
      const reasons = chunks
        .map(chunk => at(chunk, 'choices', 0, 'finish_reason'))
        .filter(reason => typeof reason === 'string');
      same(reasons, ['stop'], 'the finish reasons');
      must(chunks.map(chunk => textAt(chunk, 'choices', 0, 'delta', 'content')).join('') !== '', 'no content came');
      return `${chunks.length} chunks`;
    },
  },
  {
    id: 'chat.stream-usage',
    asks: 'With `include_usage` the last chunk has the usage and no choice; without it none has.',
    why: 'Cost is counted by it.',
    async run({ server, model }) {
      const body = { model, messages: [user('Hello.')] };
      const { events } = await streamed(server, { ...body, stream_options: { include_usage: true } });
      const last = events
        .map(event => event.json)
        .filter(isJson)
        .at(-1);
      same(last?.['choices'], [], 'the choices of the last chunk');
      must(Number(at(last, 'usage', 'total_tokens')) > 0, `usage is ${JSON.stringify(last?.['usage'])}`);
      const plain = (await streamed(server, body)).events.map(event => event.json).filter(isJson);
      must(
        plain.every(chunk => !isJson(chunk['usage'])),
        'usage comes without being asked for',
      );
      return String(at(last, 'usage', 'total_tokens'));
    },
  },
  {
    id: 'chat.tools',
    asks: 'A tool is called and its result taken.',
    why: 'Agents on the older interface live by it.',
    async run({ server, model, word }) {
      const result = word();
      const messages = [user('Use weather {"city":"Oslo"}: call the tool.')];
      const first = await chat(server, { model, messages, tools: [TOOL], tool_choice: 'required' });
      const calls = listAt(first, 'choices', 0, 'message', 'tool_calls');
      must(calls.length > 0, 'the model made no call');
      same(at(first, 'choices', 0, 'finish_reason'), 'tool_calls', 'the finish reason');
      same([calls[0]?.['type'], at(calls[0], 'function', 'name')], ['function', 'weather'], 'the call');
      const answers = calls.map(call => ({
        role: 'tool',
        tool_call_id: call['id'],
        content: `It is ${result} there.`,
      }));
      const next = [...messages, at(first, 'choices', 0, 'message'), ...answers];
      const second = await chat(server, { model, messages: next, tools: [TOOL] });
      const content = textAt(second, 'choices', 0, 'message', 'content');
      must(content.includes(result), `answered ${content}`);
      return content.slice(0, 80);
    },
  },
  {
    id: 'chat.length',
    asks: 'An answer that is cut off has the finish reason `length`.',
    why: 'Taken for complete, half an answer is acted upon.',
    async run({ server, model, emulator }) {
      const input = emulator ? 'Tell me a lot. [[words: 200]]' : 'Write an essay of a thousand words about rivers.';
      const completion = await chat(server, { model, messages: [user(input)], max_completion_tokens: 16 });
      same(at(completion, 'choices', 0, 'finish_reason'), 'length', 'the finish reason');
      return 'length';
    },
  },
  {
    id: 'chat.errors',
    asks: 'A wrong request gets 400 with the envelope; unknown fields and nulls do no harm.',
    why: 'As for responses.',
    async run({ server, model }) {
      const messages = [user('Hello.')];
      await chat(server, { model, messages, client_metadata: { a: 'b' }, tools: null, temperature: null, stop: null });
      for (const body of [{ model }, { model, messages: 'Hello.' }, { model, messages: [] }, { messages }]) {
        const answer = await server.post('/chat/completions', body);
        must(answer.status === 400 || answer.status === 422, `answered ${said(answer)}`);
        same(at(answer.body, 'error', 'type'), 'invalid_request_error', 'the type');
      }
      return 'four wrong requests';
    },
  },
  {
    id: 'models.list',
    asks: 'The models are listed, the one under test among them, and read one by one.',
    why: 'Clients offer them to choose from.',
    async run({ server, model }) {
      const list = await server.get('/models');
      refusedAsRoute(list);
      same([list.status, at(list.body, 'object')], [200, 'list'], 'status and object');
      const models = listAt(list.body, 'data');
      const own = models.find(one => one['id'] === model);
      must(own !== undefined, `${model} is not among ${models.map(one => String(one['id'])).join(', ')}`);
      for (const one of models) {
        same(one['object'], 'model', 'object');
        must(
          Number.isSafeInteger(one['created']) && typeof one['owned_by'] === 'string',
          'created or owned_by is absent',
        );
      }
      same((await server.get(`/models/${encodeURIComponent(model)}`)).body, own, 'the model read');
      return `${models.length} models`;
    },
  },
  {
    id: 'models.unknown',
    asks: 'A model that does not exist is 404.',
    why: 'As for every other address.',
    async run({ server }) {
      const answer = await server.get('/models/no-such-model-7');
      must(answer.status === 404, `answered ${said(answer)}`);
      return '404';
    },
  },
];
