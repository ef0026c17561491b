/** Errors: the envelope, the codes that clients switch on, and failures inside a stream. */
import { type Check, must, same, Skipped } from '../check.ts';
import { at, isJson, type Json } from '../json.ts';
import { envelopeFaults } from '../schema.ts';
import { type Answer, codeOf, refusedAsUnknown, said, type Server } from '../server.ts';

/** The envelope, and `invalid_request_error`, as OpenAI's clients expect of every mistake of the caller. */
function refusal(answer: Answer, statuses: readonly number[], what: string): void {
  must(statuses.includes(answer.status), `${what}: answered ${said(answer)}, not ${statuses.join(' or ')}`);
  const faults = envelopeFaults(answer.body);
  must(faults.length === 0, `${what}: ${faults.join('; ')} in ${said(answer)}`);
}

const failing = async (server: Server, body: Json): Promise<readonly Json[]> => {
  const events = await server.stream('POST', '/responses', { body: { ...body, stream: true } });
  must(events.status === 200, `the failure came before the stream: ${said(events)}`);
  return events.events.map(event => event.json).filter(isJson);
};

export const ERRORS: readonly Check[] = [
  {
    id: 'errors.envelope',
    asks: "A request of the wrong form gets 400, in OpenAI's envelope, of type `invalid_request_error`.",
    why: 'The SDKs make their exceptions of it.',
    async run({ server, ask, model }) {
      const wrong: readonly (readonly [string, unknown])[] = [
        ['no input', { model }],
        ['no model', { input: 'Hello.' }],
        ['input of a wrong type', { model, input: 7 }],
        ['temperature of a wrong type', ask('Hello.', { temperature: 'warm' })],
        ['temperature beyond its range', ask('Hello.', { temperature: 3 })],
        ['tools of a wrong type', ask('Hello.', { tools: 'none' })],
        ['a list for a body', []],
      ];
      for (const [what, body] of wrong) {
        const answer = await server.post('/responses', body);
        refusal(answer, [400, 422], what);
        same(at(answer.body, 'error', 'type'), 'invalid_request_error', `${what}: the type`);
      }
      return `${wrong.length} wrong requests`;
    },
  },
  {
    id: 'errors.param',
    asks: 'An error names the parameter that is wrong.',
    why: 'A message alone does not tell a program what to mend.',
    async run({ server, ask }) {
      const wrong = { temperature: 'warm', metadata: 'none', max_output_tokens: -1 };
      for (const [name, value] of Object.entries(wrong)) {
        const answer = await server.post('/responses', ask('Hello.', { [name]: value }));
        refusal(answer, [400, 422], name);
        const param = at(answer.body, 'error', 'param');
        must(typeof param === 'string' && param.startsWith(name), `${name}: param is ${JSON.stringify(param)}`);
      }
      return Object.keys(wrong).join(', ');
    },
  },
  {
    id: 'errors.invalid-json',
    asks: 'A body that is no JSON gets 400 with the envelope.',
    why: 'Not a 500: nothing is wrong with the server.',
    async run({ server }) {
      for (const body of ['{"model": ', 'model=x', ''])
        refusal(await server.send('POST', '/responses', { body }), [400], JSON.stringify(body));
      return '400';
    },
  },
  {
    id: 'errors.media-type',
    asks: 'A body of another type than JSON is refused, or read as what it says that it is.',
    why: 'A page of another origin can send text without being asked.',
    async run({ server }) {
      const headers = { 'content-type': 'text/plain' };
      const answer = await server.send('POST', '/responses', { body: 'Hello.', headers });
      refusal(answer, [400, 415], 'text/plain');
      return said(answer).slice(0, 60);
    },
  },
  {
    id: 'errors.model',
    asks: 'An unknown model is refused with the code `model_not_found`.',
    why: 'Clients fall back to another model on it.',
    async run({ server }) {
      const answer = await server.post('/responses', { model: 'no-such-model-7', input: 'Hello.' });
      refusal(answer, [400, 404], 'the model');
      same(codeOf(answer), 'model_not_found', 'the code');
      return String(answer.status);
    },
  },
  {
    id: 'errors.unknown-response',
    asks: 'A response that does not exist is 404 with the envelope, on each verb.',
    why: 'Anything else tells whether it exists elsewhere.',
    async run({ server }) {
      const id = 'resp_00000000000000000000000000000000';
      refusal(await server.get(`/responses/${id}`), [404], 'GET');
      refusal(await server.delete(`/responses/${id}`), [404], 'DELETE');
      refusal(await server.get(`/responses/${id}/input_items`), [404], 'input_items');
      refusal(await server.get(`/responses/${id}?stream=true`), [404], 'GET as a stream');
      return '404';
    },
  },
  {
    id: 'errors.unknown-route',
    asks: 'An unknown address, and a wrong method, get the envelope.',
    why: 'A page of HTML is not what an SDK can show.',
    async run({ server }) {
      refusal(await server.get('/no/such/thing'), [404], 'GET /no/such/thing');
      refusal(await server.send('PUT', '/responses'), [404, 405], 'PUT /responses');
      return '404, 405';
    },
  },
  {
    id: 'errors.key',
    asks: 'A wrong key, and none, get 401 with the envelope.',
    why: 'The SDKs tell an authentication error from others.',
    needs: ['keys'],
    async run({ server, ask }) {
      const body = ask('Hello.');
      const tell = (authorization: string): Promise<Answer> =>
        server.send('POST', '/responses', { body, headers: { authorization } });
      refusal(await tell('Bearer sk-of-nobody-000000000000'), [401], 'a wrong key');
      refusal(await tell(''), [401], 'no key');
      return '401';
    },
  },
  {
    id: 'errors.request-id',
    asks: 'Every answer carries an `x-request-id` of its own, errors included.',
    why: 'It is what a user can tell the operator.',
    async run({ server, ask }) {
      const answers = [
        await server.post('/responses', ask('Hello.')),
        await server.post('/responses', {}),
        await server.get('/no/such/thing'),
      ];
      const ids = answers.map(answer => answer.headers.get('x-request-id'));
      must(
        ids.every(id => id !== null && id !== ''),
        `ids are ${ids.join(', ')}`,
      );
      same(new Set(ids).size, ids.length, 'the number of different ids');
      return String(ids[0]);
    },
  },
  ...[true, false].map(
    (store): Check => ({
      id: `errors.stream-failure-${store ? 'stored' : 'stateless'}`,
      asks: `A ${store ? 'stored' : 'stateless'} stream that breaks upstream ends with an error event in both forms, then response.failed.`,
      why: "OpenAI's SDK reads the flat form, Open Responses has the nested one; without response.failed a client waits.",
      needs: ['emulator'],
      async run({ server, ask }) {
        const events = await failing(server, ask('Tell me a lot. [[words: 60]] [[fault: error-event 5]]', { store }));
        const [error, last] = events.slice(-2);
        same([error?.['type'], last?.['type']], ['error', 'response.failed'], 'the last two events');
        for (const name of ['code', 'message'])
          must(typeof error?.[name] === 'string' && error[name] !== '', `the flat form has no ${name}`);
        must(Object.hasOwn(error ?? {}, 'param'), 'the flat form has no param');
        same(at(error, 'error', 'code'), error?.['code'], 'the nested code');
        same(at(error, 'error', 'message'), error?.['message'], 'the nested message');
        same(at(last, 'response', 'status'), 'failed', 'the status');
        must(isJson(at(last, 'response', 'error')), 'the failed response has no error');
        const numbers = events.map(event => event['sequence_number']);
        same(
          numbers,
          numbers.map((_, index) => index),
          'the sequence numbers',
        );
        return String(error?.['code']);
      },
    }),
  ),
  ...[true, false].map(
    (stream): Check => ({
      id: `incomplete.${stream ? 'stream' : 'json'}`,
      asks: `An answer that is cut off at its bound is incomplete, for max_output_tokens, with usage (${stream ? 'streamed' : 'whole'}).`,
      why: 'Taken for complete, half an answer is acted upon.',
      async run({ server, ask, emulator }) {
        const input = emulator ? 'Tell me a lot. [[words: 200]]' : 'Write an essay of a thousand words about rivers.';
        const body = ask(input, { max_output_tokens: 16 });
        const events = stream ? await server.events(body) : [];
        const response = stream ? (events.at(-1)?.['response'] as Json) : await server.create(body);
        if (stream) same(events.at(-1)?.['type'], 'response.incomplete', 'the last event');
        same(response['status'], 'incomplete', 'the status');
        same(response['incomplete_details'], { reason: 'max_output_tokens' }, 'incomplete_details');
        must(Number(at(response, 'usage', 'output_tokens')) > 0, `usage is ${JSON.stringify(response['usage'])}`);
        same(response['error'], null, 'error');
        return `${String(at(response, 'usage', 'output_tokens'))} tokens`;
      },
    }),
  ),
  {
    id: 'truncation.accepted',
    asks: '`truncation` may be auto or disabled, and is echoed; another word is refused.',
    why: 'Which of the two holds decides whether something is left out.',
    async run({ server, ask }) {
      for (const truncation of ['auto', 'disabled'])
        same((await server.create(ask('Hello.', { truncation })))['truncation'], truncation, 'truncation');
      refusal(await server.post('/responses', ask('Hello.', { truncation: 'sometimes' })), [400, 422], 'another word');
      return 'auto, disabled';
    },
  },
  {
    id: 'truncation.disabled',
    asks: 'With `truncation: disabled` an input beyond the context window gets 400, before the model is asked.',
    why: 'Left out in silence, what is missing is not noticed.',
    needs: ['context window'],
    async run({ server, ask, contextTokens }) {
      const input = 'word '.repeat(contextTokens + 1_000);
      const answer = await server.post('/responses', ask(input, { truncation: 'disabled' }));
      refusal(answer, [400], 'the overflow');
      same(codeOf(answer), 'context_length_exceeded', 'the code');
      return `${contextTokens} tokens`;
    },
  },
  {
    id: 'truncation.auto',
    asks: 'With `truncation: auto` older items make room, and the last question is answered.',
    why: 'Long conversations go on.',
    needs: ['context window'],
    async run({ server, ask, contextTokens, word }) {
      const name = word();
      const input = [
        { role: 'user', content: 'word '.repeat(contextTokens) },
        { role: 'user', content: `My dog is called ${name}. What is my dog called?` },
      ];
      const answer = await server.post('/responses', ask(input, { truncation: 'auto' }));
      refusedAsUnknown(answer);
      must(answer.status === 200, `answered ${said(answer)}`);
      must(answer.text.includes(name), 'the last question is not answered');
      return 'answered';
    },
  },
  {
    id: 'errors.survived',
    asks: 'The server is whole after all this: it answers a plain request.',
    why: 'A request that fails must not take others with it.',
    async run({ server, ask }) {
      const response = await server.create(ask('Hello.', { store: false }));
      if (response['status'] === 'incomplete') throw new Skipped('the model cut its answer');
      same(response['status'], 'completed', 'the status');
      return 'completed';
    },
  },
];
