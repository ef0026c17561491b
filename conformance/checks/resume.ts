/** Taking a stream up again. */
import { type Check, must, NotOffered, Skipped } from '../check.ts';
import { at, type Json } from '../json.ts';
import { refusedAsUnknown, said, type Server, type Streamed } from '../server.ts';
import type { SeenEvent } from '../sse.ts';

const resumed = async (
  server: Server,
  id: unknown,
  query: string,
  headers: { [name: string]: string } = {},
): Promise<Streamed> => {
  const streamed = await server.stream('GET', `/responses/${String(id)}?stream=true${query}`, { headers });
  refusedAsUnknown(streamed);
  if (streamed.status === 200 && streamed.body !== undefined) throw new NotOffered('GET with stream=true answers JSON');
  must(streamed.status === 200, `GET with stream=true answers ${said(streamed)}`);
  return streamed;
};

const idOf = (events: readonly SeenEvent[]): unknown => at(events[0]?.json, 'response', 'id');

function sameEvents(actual: readonly SeenEvent[], expected: readonly SeenEvent[], what: string): void {
  must(actual.length === expected.length, `${what}: ${actual.length} events came, not ${expected.length}`);
  for (const [index, event] of expected.entries()) {
    const { name, text } = actual[index] ?? { name: null, text: '' };
    must(
      name === event.name && text === event.text,
      `${what}: event ${index} is ${text.slice(0, 150)}, not ${event.text.slice(0, 150)}`,
    );
  }
}

const whole = async (server: Server, body: Json): Promise<readonly SeenEvent[]> => {
  const {
    status,
    events,
    body: refused,
  } = await server.stream('POST', '/responses', { body: { ...body, stream: true } });
  must(status === 200 && events.length > 0, `the stream was not begun: ${said({ status, body: refused })}`);
  return events.filter(event => event.json !== null);
};

export const RESUME: readonly Check[] = [
  {
    id: 'resume.starting-after',
    asks: 'GET with `starting_after` gives exactly the events after that number, byte for byte.',
    why: 'A client whose connection broke goes on where it was.',
    async run({ server, ask }) {
      const events = await whole(server, ask('Tell me three sentences about rivers.'));
      const numbers = [0, 1, 4, Math.floor(events.length / 2), events.length - 2];
      for (const after of numbers) {
        const streamed = await resumed(server, idOf(events), `&starting_after=${after}`);
        sameEvents(
          streamed.events.filter(event => event.json !== null),
          events.slice(after + 1),
          `after ${after}`,
        );
      }
      return `after ${numbers.join(', ')} of ${events.length}`;
    },
  },
  {
    id: 'resume.from-the-start',
    asks: 'GET with `stream=true` alone gives the whole stream again.',
    why: 'A second reader sees what the first one saw.',
    async run({ server, ask }) {
      const events = await whole(server, ask('Hello.'));
      const streamed = await resumed(server, idOf(events), '');
      sameEvents(
        streamed.events.filter(event => event.json !== null),
        events,
        'from the start',
      );
      return `${events.length} events`;
    },
  },
  {
    id: 'resume.last-event-id',
    asks: 'GET with the header `Last-Event-ID` goes on after that number.',
    why: "It is what a browser's EventSource sends.",
    async run({ server, ask }) {
      const events = await whole(server, ask('Hello.'));
      const streamed = await resumed(server, idOf(events), '', { 'last-event-id': '2' });
      if (streamed.events[0]?.text === events[0]?.text) throw new NotOffered('the header is ignored');
      sameEvents(
        streamed.events.filter(event => event.json !== null),
        events.slice(3),
        'after 2',
      );
      return 'after 2';
    },
  },
  {
    id: 'resume.unstreamed',
    asks: 'A response that was made without a stream can be read as one.',
    why: 'Who reads it need not know how it was asked for.',
    async run({ server, ask }) {
      const made = await server.create(ask('Hello.'));
      const { events } = await resumed(server, made['id'], '');
      const numbers = events.map(event => at(event.json, 'sequence_number'));
      must(
        numbers.every((number, index) => number === index),
        `numbers are ${numbers.join()}`,
      );
      const last = at(events.at(-1)?.json, 'response');
      must(JSON.stringify(last) === JSON.stringify(made), 'its last snapshot is not the response');
      return `${events.length} events`;
    },
  },
  {
    id: 'resume.at-the-end',
    asks: 'Resuming after the last event ends at once, with no event.',
    why: 'A client that has all must not wait, or see the end twice.',
    async run({ server, ask }) {
      const events = await whole(server, ask('Hello.'));
      const streamed = await resumed(server, idOf(events), `&starting_after=${events.length - 1}`);
      must(streamed.events.length === 0, `${streamed.events.length} events came`);
      return 'nothing came';
    },
  },
  {
    id: 'resume.bad-number',
    asks: 'A `starting_after` that is no number is refused.',
    why: 'Read as 0 it would show everything twice.',
    async run({ server, ask }) {
      const made = await server.create(ask('Hello.'));
      await resumed(server, made['id'], '');
      const answer = await server.get(`/responses/${String(made['id'])}?stream=true&starting_after=last`);
      must(answer.status === 400 || answer.status === 422, `answered ${said(answer)}`);
      return said(answer).slice(0, 80);
    },
  },
  {
    id: 'resume.after-hang-up',
    asks: 'A client that hangs up in the middle finds the rest.',
    why: 'Connections break while people wait.',
    async run({ server, ask, emulator }) {
      const input = emulator ? 'Tell me. [[words: 60]] [[latency: 5]]' : 'Tell me three sentences about rivers.';
      const body = ask(input, { stream: true });
      const first = await server.stream('POST', '/responses', {
        body,
        until: event => at(event.json, 'sequence_number') === 8,
      });
      const seen = first.events.filter(event => Number(at(event.json, 'sequence_number')) <= 8);
      if (seen.length < 9) throw new Skipped('the answer was over too soon');
      const rest = await resumed(server, idOf(seen), '&starting_after=8');
      const all = await resumed(server, idOf(seen), '');
      sameEvents([...seen, ...rest.events], all.events, 'the two halves');
      must(
        /^response\.(completed|incomplete)$/.test(all.events.at(-1)?.name ?? ''),
        `it ends with ${String(all.events.at(-1)?.name)}`,
      );
      return `${seen.length} and ${rest.events.length} events`;
    },
  },
];
