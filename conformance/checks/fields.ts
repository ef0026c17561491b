/** Fields of requests: nulls, unknown ones, bounds, and what `include` lets through. */
import { type Check, must, NotOffered, same, Skipped } from '../check.ts';
import { at, type Json, listAt, walk } from '../json.ts';
import { refusedAsUnknown, said } from '../server.ts';

const NULLABLE_FIELDS = [
  'background',
  'conversation',
  'include',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'parallel_tool_calls',
  'previous_response_id',
  'prompt',
  'prompt_cache_key',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
];
const pairs = (count: number): Json =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
const has = (value: unknown, member: string): boolean =>
  [...walk(value)].some(
    ([, name, inner]) => name === member && inner !== null && !(Array.isArray(inner) && inner.length === 0),
  );

export const FIELDS: readonly Check[] = [
  {
    id: 'fields.null',
    asks: 'Null is taken for each optional field, one by one and all at once.',
    why: 'Typed clients send null for what is not set.',
    async run({ server, ask }) {
      for (const name of NULLABLE_FIELDS) {
        const answer = await server.post('/responses', ask('Hello.', { [name]: null }));
        must(answer.status === 200, `${name}: answered ${said(answer)}`);
      }
      const all = Object.fromEntries(NULLABLE_FIELDS.map(name => [name, null]));
      const answer = await server.post('/responses', ask('Hello.', all));
      must(answer.status === 200, `all at once: answered ${said(answer)}`);
      return `${NULLABLE_FIELDS.length} fields`;
    },
  },
  {
    id: 'fields.unknown',
    asks: 'Unknown fields of a request are ignored.',
    why: 'Clients send more every month (`client_metadata`, ...), also to servers that came before.',
    async run({ server, ask }) {
      const odd = { client_metadata: { a: 'b' }, x_of_tomorrow: [1, { deep: true }] };
      const answer = await server.post('/responses', ask('Hello.', odd));
      must(answer.status === 200, `answered ${said(answer)}`);
      same(Object.hasOwn(answer.body as Json, 'x_of_tomorrow'), false, 'the echo of an unknown field');
      return Object.keys(odd).join(', ');
    },
  },
  {
    id: 'fields.input-forms',
    asks: 'Input may be a text, messages without a type, messages with parts, and every role.',
    why: 'All four are written by clients in use.',
    async run({ server, ask, word }) {
      const name = word();
      const forms: readonly (readonly Json[])[] = [
        [{ role: 'user', content: `My dog is called ${name}. What is my dog called?` }],
        [
          { type: 'message', role: 'developer', content: [{ type: 'input_text', text: `My dog is called ${name}.` }] },
          { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'What is my dog called?' }] },
        ],
        [
          { role: 'system', content: `My dog is called ${name}.` },
          { role: 'user', content: 'Hello.' },
          { role: 'assistant', content: [{ type: 'output_text', text: 'Hello to you.', annotations: [] }] },
          { role: 'user', content: 'What is my dog called?' },
        ],
      ];
      for (const [index, input] of forms.entries()) {
        const answer = await server.post('/responses', ask(input));
        must(answer.status === 200, `form ${index}: answered ${said(answer)}`);
        must(
          JSON.stringify(at(answer.body, 'output')).includes(name),
          `form ${index}: the answer knows nothing of the input`,
        );
      }
      return `${forms.length} forms`;
    },
  },
  {
    id: 'metadata.pairs',
    asks: 'Metadata holds 16 pairs and not 17.',
    why: 'It is the documented bound; what is dropped in silence is lost.',
    async run({ server, ask }) {
      same((await server.create(ask('Hello.', { metadata: pairs(16) })))['metadata'], pairs(16), 'metadata');
      const answer = await server.post('/responses', ask('Hello.', { metadata: pairs(17) }));
      must(answer.status === 400 || answer.status === 422, `17 pairs: answered ${said(answer)}`);
      return '16 taken, 17 refused';
    },
  },
  {
    id: 'metadata.lengths',
    asks: 'A metadata key has up to 64 characters, a value up to 512.',
    why: 'It is the documented bound.',
    async run({ server, ask }) {
      const metadata = { ['k'.repeat(64)]: 'v'.repeat(512) };
      same((await server.create(ask('Hello.', { metadata })))['metadata'], metadata, 'metadata');
      for (const beyond of [{ ['k'.repeat(65)]: 'v' }, { k: 'v'.repeat(513) }, { k: 7 }]) {
        const answer = await server.post('/responses', ask('Hello.', { metadata: beyond }));
        must(
          answer.status === 400 || answer.status === 422,
          `answered ${said(answer)} to ${JSON.stringify(beyond).slice(0, 90)}`,
        );
      }
      return '64 and 512 taken, 65 and 513 refused';
    },
  },
  {
    id: 'include.unknown',
    asks: 'A known name in `include` is taken where there is nothing to include.',
    why: 'Clients ask for it with every request.',
    async run({ server, ask }) {
      const answer = await server.post('/responses', ask('Hello.', { include: ['reasoning.encrypted_content'] }));
      must(answer.status === 200, `answered ${said(answer)}`);
      return '200';
    },
  },
  {
    id: 'include.encrypted-content',
    asks: 'Encrypted reasoning comes only if `include` asks for it, on create and on reads alike.',
    why: 'It is large, and for those alone who send it back.',
    needs: ['emulator'],
    async run({ server, ask }) {
      const input = 'Hello. [[reasoning: 20]]';
      const asked = await server.create(
        ask(input, { include: ['reasoning.encrypted_content'], reasoning: { effort: 'low' } }),
      );
      const reasoning = listAt(asked, 'output').filter(item => item['type'] === 'reasoning');
      if (reasoning.length === 0) throw new Skipped('the model gave no reasoning item');
      const plain = await server.create(ask(input, { reasoning: { effort: 'low' } }));
      must(!has(plain['output'], 'encrypted_content'), 'it comes without being asked for');
      if (!has(asked['output'], 'encrypted_content')) throw new NotOffered('it does not come when asked for');
      const path = `/responses/${String(asked['id'])}`;
      must(!has((await server.get(path)).body, 'encrypted_content'), 'it comes on a read without being asked for');
      const read = await server.get(`${path}?include[]=reasoning.encrypted_content`);
      must(has(read.body, 'encrypted_content'), 'it does not come on a read that asks for it');
      return 'gated on create and on reads';
    },
  },
  {
    id: 'include.logprobs',
    asks: 'Log probabilities come only if `include` asks for them.',
    why: 'They are many times the text.',
    async run({ server, ask }) {
      const plain = await server.create(ask('Hello.'));
      must(!has(plain['output'], 'logprobs'), 'they come without being asked for');
      const answer = await server.post(
        '/responses',
        ask('Hello.', { include: ['message.output_text.logprobs'], top_logprobs: 2 }),
      );
      refusedAsUnknown(answer);
      must(answer.status === 200, `answered ${said(answer)}`);
      if (!has(at(answer.body, 'output'), 'logprobs')) throw new NotOffered('they do not come when asked for');
      return 'gated';
    },
  },
  {
    id: 'fields.json-schema',
    asks: 'A strict JSON schema is obeyed and echoed.',
    why: 'Structured answers are parsed without being looked at.',
    async run({ server, ask }) {
      const schema = {
        type: 'object',
        properties: { city: { type: 'string' }, count: { type: 'integer' } },
        required: ['city', 'count'],
        additionalProperties: false,
      };
      const format = { type: 'json_schema', name: 'answer', schema, strict: true };
      const response = await server.create(ask('Name a city and a number.', { text: { format } }));
      const text = listAt(response, 'output')
        .flatMap(item => listAt(item, 'content'))
        .map(part => part['text'])
        .join('');
      const value = JSON.parse(text) as Json;
      must(typeof value['city'] === 'string' && Number.isInteger(value['count']), `answered ${text.slice(0, 100)}`);
      same(at(response, 'text', 'format', 'name'), 'answer', 'the name of the format');
      return text.slice(0, 80);
    },
  },
];
