/** The response object, in each form in which it is seen. */
import { type Check, must, same } from '../check.ts';
import { at, isJson, type Json, listAt, outputText, walk } from '../json.ts';
import { NULLABLE, RESPONSE_PROPERTIES } from '../schema.ts';
import { said } from '../server.ts';

const absentOf = (response: unknown): readonly string[] =>
  RESPONSE_PROPERTIES.filter(name => !isJson(response) || !Object.hasOwn(response, name));

/** Present or absent, never null. */
const NEVER_NULL: ReadonlySet<string> = new Set(['verbosity', 'phase', 'encrypted_content']);

const TOOL = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};

export const RESPONSE: readonly Check[] = [
  {
    id: 'response.properties',
    asks: 'A response carries all 31 properties, stored or not.',
    why: 'Clients in typed languages fail on a property that is absent.',
    async run({ server, ask }) {
      for (const store of [true, false]) {
        const absent = absentOf(await server.create(ask('Hello.', { store })));
        must(absent.length === 0, `store ${String(store)}: absent are ${absent.join(', ')}`);
      }
      return 'all 31, stored and stateless';
    },
  },
  {
    id: 'response.snapshots',
    asks: 'Each snapshot in a stream carries all 31 properties, `created` and `in_progress` included.',
    why: 'Clients build their state from the first snapshot.',
    async run({ server, ask }) {
      let seen = 0;
      for (const store of [true, false]) {
        for (const { type, response } of await server.events(ask('Hello.', { store }))) {
          if (!isJson(response)) continue;
          const absent = absentOf(response);
          must(absent.length === 0, `${String(type)}, store ${String(store)}: absent are ${absent.join(', ')}`);
          seen += 1;
        }
      }
      must(seen >= 4, `only ${seen} snapshots in two streams`);
      return `${seen} snapshots`;
    },
  },
  {
    id: 'response.nullable',
    asks: 'Only the eleven nullable properties are ever null.',
    why: 'A null where the type has none breaks clients where they read it.',
    async run({ server, ask }) {
      const events = await server.events(ask('Hello.'));
      for (const response of events.map(event => event['response']).filter(isJson)) {
        const wrong = Object.keys(response).filter(
          name => response[name] === null && RESPONSE_PROPERTIES.includes(name) && !NULLABLE.has(name),
        );
        must(wrong.length === 0, `null in a snapshot: ${wrong.join(', ')}`);
      }
      return 'no other property is null';
    },
  },
  {
    id: 'response.omitted',
    asks: '`text.verbosity`, `phase` and `encrypted_content` are left out where they have no value, never null.',
    why: 'They are optional in the types and not nullable.',
    async run({ server, ask }) {
      const events = await server.events(ask('Hello.'));
      const wrong = events
        .flatMap(event => [...walk(event)])
        .find(([, name, value]) => NEVER_NULL.has(name) && value === null);
      must(wrong === undefined, `null at ${wrong?.[0] ?? ''}`);
      return 'none is null';
    },
  },
  {
    id: 'response.items',
    asks: 'Every output item has an id of its own and a status.',
    why: 'Items are referred to by their ids and followed by their status.',
    async run({ server, ask }) {
      const response = await server.create(
        ask('Use weather {"city":"Oslo"}.', { tools: [TOOL], tool_choice: 'required' }),
      );
      const items = listAt(response, 'output');
      must(items.length > 0, 'the output is empty');
      for (const item of items) {
        must(typeof item['id'] === 'string' && item['id'] !== '', `a ${String(item['type'])} has no id`);
        must(
          item['type'] === 'reasoning' || typeof item['status'] === 'string',
          `a ${String(item['type'])} has no status`,
        );
      }
      must(new Set(items.map(item => item['id'])).size === items.length, 'two items share an id');
      return `${items.length} items`;
    },
  },
  {
    id: 'response.usage',
    asks: 'The usage of a completed response adds up, with both details.',
    why: 'It is billed and budgeted by.',
    async run({ server, ask }) {
      const { usage } = await server.create(ask('Hello.'));
      const [input, output, total] = ['input_tokens', 'output_tokens', 'total_tokens'].map(name => at(usage, name));
      must([input, output, total].every(Number.isSafeInteger), `usage is ${JSON.stringify(usage)}`);
      same(total, Number(input) + Number(output), 'total_tokens');
      must(Number.isSafeInteger(at(usage, 'input_tokens_details', 'cached_tokens')), 'cached_tokens is absent');
      must(Number.isSafeInteger(at(usage, 'output_tokens_details', 'reasoning_tokens')), 'reasoning_tokens is absent');
      return `${String(input)} + ${String(output)} = ${String(total)}`;
    },
  },
  {
    id: 'response.read-back',
    asks: 'GET gives the stored response exactly as it was answered.',
    why: 'Clients that lost the answer read it again and must not see another.',
    async run({ server, ask }) {
      const made = await server.create(ask('Hello.', { metadata: { a: '1' } }));
      const read = await server.get(`/responses/${String(made['id'])}`);
      must(read.status === 200, `GET answers ${said(read)}`);
      same(read.body, made, 'the response read');
      return String(made['id']);
    },
  },
  {
    id: 'response.stream-read-back',
    asks: 'GET gives the stored response exactly as the last event of its stream had it.',
    why: 'Streaming must not change what is kept.',
    async run({ server, ask }) {
      const events = await server.events(ask('Hello.'));
      const last = events.at(-1)?.['response'] as Json;
      const read = await server.get(`/responses/${String(last['id'])}`);
      must(read.status === 200, `GET answers ${said(read)}`);
      same(read.body, last, 'the response read');
      return String(last['id']);
    },
  },
  {
    id: 'response.tools-echo',
    asks: 'Function tools are echoed with description, parameters and strict.',
    why: 'The schema requires all three; null is allowed, absence is not.',
    async run({ server, ask }) {
      const bare = { type: 'function', name: 'bare' };
      const { tools } = await server.create(ask('Hello.', { tools: [TOOL, bare] }));
      const echoed = Array.isArray(tools) ? (tools as Json[]) : [];
      same(echoed.length, 2, 'the number of tools');
      same(echoed[0], TOOL, 'the first tool');
      for (const name of ['description', 'parameters', 'strict'])
        must(Object.hasOwn(echoed[1] ?? {}, name), `'${name}' is absent from a tool that was given without it`);
      return 'both tools, with all their members';
    },
  },
  {
    id: 'response.settings-echo',
    asks: 'The settings of a request are echoed in its response.',
    why: 'A response must say how it was made.',
    async run({ server, ask }) {
      const settings = {
        instructions: 'Be brief.',
        max_output_tokens: 2_000,
        metadata: { topic: 'echo', 'a b': '' },
        parallel_tool_calls: false,
        truncation: 'disabled',
        store: true,
        safety_identifier: 'user-1',
      };
      const response = await server.create(ask('Hello.', settings));
      for (const [name, value] of Object.entries(settings)) same(response[name], value, name);
      same(response['model'] === undefined, false, 'the absence of model');
      same(response['background'], false, 'background');
      return Object.keys(settings).join(', ');
    },
  },
  {
    id: 'response.text',
    asks: 'Text of every script comes back as it was written.',
    why: 'A server that cuts bytes between characters garbles what people say.',
    async run({ server, ask, emulator, word }) {
      const odd = `${word()} żółć 漢字 👩‍🚀🏳️‍🌈`;
      const input = emulator ? odd : `Repeat this line exactly, and nothing else: ${odd}`;
      const events = await server.events(ask(input));
      const text = outputText(events.at(-1)?.['response']);
      must(!text.includes('\uFFFD'), `holds a replacement character: ${text}`);
      must(text.includes('漢字 👩‍🚀'), `answered ${text}`);
      return text.slice(0, 80);
    },
  },
];
