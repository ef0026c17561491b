/** Streams: which events, in which order, in which form. */
import { type Check, must, same, Skipped } from '../check.ts';
import { isJson, type Json, listAt, textAt } from '../json.ts';
import { rawChunks } from '../raw-chunks.ts';
import { isKnownEvent } from '../schema.ts';

const TOOLS = ['weather', 'clock'].map(name => ({
  type: 'function',
  name,
  description: `The ${name} of a city.`,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
}));
/** Two calls, if the model does as it is told. */
export const CALLS = {
  input: 'Use weather {"city":"Oslo"} and clock {"city":"Rome"}: call both tools.',
  tools: TOOLS,
  tool_choice: 'required',
  parallel_tool_calls: true,
};
const typesOf = (events: readonly Json[]): readonly string[] => events.map(event => String(event['type']));
const ENDS = new Set(['response.completed', 'response.incomplete', 'response.failed']);

export const STREAM: readonly Check[] = [
  {
    id: 'stream.sequence',
    asks: 'Sequence numbers count from 0 by one, stored and stateless.',
    why: 'A client that resumes asks for what comes after a number.',
    async run({ server, ask }) {
      const seen: number[] = [];
      for (const store of [true, false]) {
        const events = await server.events(ask('Hello.', { store }));
        const numbers = events.map(event => event['sequence_number']);
        same(
          numbers,
          events.map((_, index) => index),
          `store ${String(store)}: the sequence numbers`,
        );
        seen.push(events.length);
      }
      return `${seen.join(' and ')} events`;
    },
  },
  {
    id: 'stream.order',
    asks: 'A stream begins with created and in_progress, and ends with the one event that ends the response.',
    why: 'The SDKs take the first event for the response and the last for its end.',
    async run({ server, ask }) {
      const types = typesOf(await server.events(ask('Hello.')));
      const begun = types[1] === 'response.queued' ? types.filter((_, index) => index !== 1) : types;
      same(begun.slice(0, 2), ['response.created', 'response.in_progress'], 'the beginning');
      same(types.at(-1), 'response.completed', 'the end');
      same(types.filter(type => ENDS.has(type)).length, 1, 'the number of ends');
      return types
        .filter((type, index) => type !== types[index - 1])
        .join(' ')
        .replaceAll('response.', '');
    },
  },
  {
    id: 'stream.items',
    asks: 'Each item is added, filled and done, in that order, and so is each part of it.',
    why: 'Clients fill what was added; a delta before it has no place to go.',
    async run({ server, ask }) {
      for (const body of [ask('Hello.'), ask(CALLS.input, CALLS)]) {
        const open = new Set<unknown>();
        const parts = new Set<string>();
        for (const event of await server.events(body)) {
          const { type, output_index: index } = event;
          if (index === undefined) continue;
          const part = JSON.stringify([index, event['content_index']]);
          if (type === 'response.output_item.added') open.add(index);
          else must(open.has(index), `${String(type)} for output ${JSON.stringify(index)}, which is not open`);
          if (type === 'response.output_item.done') open.delete(index);
          if (type === 'response.content_part.added') parts.add(part);
          else if (String(type).startsWith('response.output_text.'))
            must(parts.has(part), `${String(type)} before its part`);
          if (type === 'response.content_part.done') must(parts.delete(part), 'a part is done that was not added');
        }
        same([open.size, parts.size], [0, 0], 'what stayed open, items and parts');
      }
      return 'text and calls';
    },
  },
  {
    id: 'stream.output-index',
    asks: '`output_index` is the position in the final output, and items are done in that order.',
    why: 'Clients put items where the index says.',
    async run({ server, ask }) {
      const events = await server.events(ask(CALLS.input, CALLS));
      const output = listAt(events.at(-1), 'response', 'output');
      const done = events.filter(event => event['type'] === 'response.output_item.done');
      same(
        done.map(event => event['output_index']),
        output.map((_, index) => index),
        'the indexes of done items',
      );
      for (const { output_index: index, item } of done)
        same(item, output[Number(index)], `the done item ${String(index)}`);
      return `${output.length} items`;
    },
  },
  {
    id: 'stream.text',
    asks: 'The deltas of a text, put together, are its done event and the final text.',
    why: 'What a user saw must be what is kept.',
    async run({ server, ask }) {
      const events = await server.events(ask('Tell me three sentences about rivers.'));
      const deltas = events.filter(event => event['type'] === 'response.output_text.delta');
      must(deltas.length > 1, `${deltas.length} deltas only`);
      const text = deltas.map(event => textAt(event, 'delta')).join('');
      const done = events.find(event => event['type'] === 'response.output_text.done');
      same(done?.['text'], text, 'the text of the done event');
      const messages = listAt(events.at(-1), 'response', 'output').filter(item => item['type'] === 'message');
      same(
        messages
          .flatMap(item => listAt(item, 'content'))
          .map(part => part['text'])
          .join(''),
        text,
        'the final text',
      );
      return `${deltas.length} deltas`;
    },
  },
  {
    id: 'stream.arguments',
    asks: 'The deltas of a call, put together, are its done event and the final arguments.',
    why: 'A tool must run on what the model wrote.',
    async run({ server, ask }) {
      const events = await server.events(ask(CALLS.input, CALLS));
      const calls = listAt(events.at(-1), 'response', 'output').filter(item => item['type'] === 'function_call');
      must(calls.length > 0, 'the model made no call');
      for (const call of calls) {
        const of = (type: string): readonly Json[] =>
          events.filter(
            event => event['type'] === `response.function_call_arguments.${type}` && event['item_id'] === call['id'],
          );
        same(
          of('delta')
            .map(event => textAt(event, 'delta'))
            .join(''),
          call['arguments'],
          'the deltas',
        );
        same(
          of('done').map(event => event['arguments']),
          [call['arguments']],
          'the done event',
        );
      }
      return `${calls.length} calls`;
    },
  },
  {
    id: 'stream.known-events',
    asks: "A stream holds no event that OpenAI's clients do not know.",
    why: "OpenAI's SDK throws on an event of an unknown type.",
    async run({ server, ask }) {
      const types = new Set<string>();
      for (const store of [true, false])
        for (const type of typesOf(await server.events(ask('Hello.', { store })))) types.add(type);
      for (const type of typesOf(await server.events(ask(CALLS.input, CALLS)))) types.add(type);
      const unknown = [...types].filter(type => !isKnownEvent(type));
      must(unknown.length === 0, `unknown: ${unknown.join(', ')}`);
      return `${types.size} types`;
    },
  },
  {
    id: 'stream.framing',
    asks: 'A stream is strict server-sent events: each with its type as its name and one JSON object as its data.',
    why: 'Parsers differ in what they forgive.',
    async run({ server, ask }) {
      const streamed = await server.stream('POST', '/responses', { body: ask('Hello.', { stream: true }) });
      must(
        streamed.headers.get('content-type')?.startsWith('text/event-stream') === true,
        'the type of content is another',
      );
      must(streamed.faults.length === 0, streamed.faults.join('; '));
      for (const { name, json, text } of streamed.events) {
        if (text === '[DONE]') continue;
        must(isJson(json), `data that is no object: ${text.slice(0, 80)}`);
        same(name, json['type'], 'the name of an event');
      }
      return `${streamed.events.length} events, ${streamed.comments} comments`;
    },
  },
  {
    id: 'stream.whole-writes',
    asks: 'No chunk of the transfer ends inside an event.',
    why: 'Clients that read a chunk as an event, and there are some, lose what is cut.',
    async run({ server, ask }) {
      if (!server.baseUrl.startsWith('http:')) throw new Skipped('chunks are looked at over plain HTTP only');
      const body = JSON.stringify(ask('Tell me three sentences about rivers.', { stream: true }));
      const chunks = await rawChunks(`${server.baseUrl}/responses`, server.key, body);
      must(chunks !== null, 'the transfer is not chunked');
      const cut = chunks.find(chunk => !chunk.endsWith('\n\n'));
      must(cut === undefined, `a chunk ends with ${JSON.stringify(cut?.slice(-40))}`);
      return `${chunks.length} chunks`;
    },
  },
  {
    id: 'stream.headers',
    asks: 'A stream may not be cached or transformed on its way.',
    why: 'A proxy that collects a stream defeats it.',
    async run({ server, ask }) {
      const { headers } = await server.stream('POST', '/responses', { body: ask('Hello.', { stream: true }) });
      const cache = headers.get('cache-control') ?? '';
      must(/no-cache|no-store/.test(cache), `cache-control is '${cache}'`);
      return `cache-control: ${cache}`;
    },
  },
  {
    id: 'stream.heartbeat',
    asks: 'A quiet stream is kept alive by comments.',
    why: 'Proxies end connections on which nothing moves.',
    needs: ['emulator', 'heartbeat'],
    async run({ server, ask, heartbeatMs }) {
      const input = `Hello. [[first-token: ${Math.round(heartbeatMs * 2.5)}]]`;
      const streamed = await server.stream('POST', '/responses', { body: ask(input, { stream: true }) });
      must(streamed.comments > 0, 'no comment came');
      return `${streamed.comments} comments`;
    },
  },
];
