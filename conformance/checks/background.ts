/** Responses in the background, and cancelling them. */
import { type Check, must, NotOffered, type Probe, same, Skipped } from '../check.ts';
import { at, isJson, type Json, outputText } from '../json.ts';
import { RESPONSE_PROPERTIES } from '../schema.ts';
import { type Answer, refusedAsRoute, refusedAsUnknown, said, type Server } from '../server.ts';

const OPEN = new Set(['queued', 'in_progress']);
const POLLS = 200;

async function begin({ server, ask, emulator }: Probe, more: Json = {}): Promise<Json> {
  const input = emulator
    ? 'Tell me. [[words: 50]] [[latency: 20]]'
    : 'Write an essay of a thousand words about rivers.';
  const answer = await server.post('/responses', ask(input, { background: true, ...more }));
  refusedAsUnknown(answer);
  must(answer.status === 200 && isJson(answer.body), `answered ${said(answer)}`);
  return answer.body;
}

async function settled(server: Server, id: unknown): Promise<Json> {
  for (let poll = 0; poll < POLLS; poll += 1) {
    const read = await server.get(`/responses/${String(id)}`);
    must(read.status === 200 && isJson(read.body), `GET answers ${said(read)}`);
    if (!OPEN.has(String(read.body['status']))) return read.body;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Skipped(`it was not over after ${POLLS} reads`);
}

const cancel = async (server: Server, id: unknown): Promise<Answer> => {
  const answer = await server.send('POST', `/responses/${String(id)}/cancel`);
  refusedAsRoute(answer);
  return answer;
};

export const BACKGROUND: readonly Check[] = [
  {
    id: 'background.create',
    asks: 'A background response is answered at once, queued or in progress, whole in form, and is completed later.',
    why: 'Long work outlives connections.',
    async run(probe) {
      const first = await begin(probe);
      must(OPEN.has(String(first['status'])), `its status is ${String(first['status'])}`);
      const absent = RESPONSE_PROPERTIES.filter(name => !Object.hasOwn(first, name));
      same(absent, [], 'what is absent');
      same([first['background'], first['output']], [true, []], 'background and output');
      const last = await settled(probe.server, first['id']);
      must(last['status'] === 'completed' && outputText(last) !== '', `it ended ${String(last['status'])}`);
      return `${String(first['status'])}, then completed`;
    },
  },
  {
    id: 'background.store',
    asks: 'In the background without `store` is refused.',
    why: 'There would be nothing to read.',
    async run({ server, ask }) {
      const answer = await server.post('/responses', ask('Hello.', { background: true, store: false }));
      must(answer.status === 400, `answered ${said(answer)}`);
      return said(answer).slice(0, 60);
    },
  },
  {
    id: 'background.stream',
    asks: 'A background stream may be left and taken up again, without a gap and without a repetition.',
    why: 'It is how long work is followed over short connections.',
    async run(probe) {
      const { server, ask, emulator } = probe;
      const input = emulator ? 'Tell me. [[words: 50]] [[latency: 10]]' : 'Tell me three sentences about rivers.';
      const body = ask(input, { background: true, stream: true });
      const first = await server.stream('POST', '/responses', {
        body,
        until: event => at(event.json, 'sequence_number') === 9,
      });
      refusedAsUnknown(first);
      must(first.status === 200, `answered ${said(first)}`);
      const seen = first.events.filter(event => Number(at(event.json, 'sequence_number')) <= 9);
      if (seen.length < 10) throw new Skipped('the answer was over too soon');
      const id = at(seen[0]?.json, 'response', 'id');
      const rest = await server.stream('GET', `/responses/${String(id)}?stream=true&starting_after=9`);
      must(rest.status === 200, `GET as a stream answers ${said(rest)}`);
      const all = await server.stream('GET', `/responses/${String(id)}?stream=true`);
      const texts = [...seen, ...rest.events].map(event => event.text);
      same(
        texts,
        all.events.map(event => event.text),
        'what was seen in two halves',
      );
      const numbers = all.events.map(event => at(event.json, 'sequence_number'));
      same(
        numbers,
        numbers.map((_, index) => index),
        'the sequence numbers',
      );
      return `${seen.length} and ${rest.events.length} events`;
    },
  },
  {
    id: 'background.readers',
    asks: 'Several readers of one running response see the same events.',
    why: 'A second window shows what the first one shows.',
    async run(probe) {
      const { id } = await begin(probe);
      const reads = Array.from({ length: 3 }, () => probe.server.stream('GET', `/responses/${String(id)}?stream=true`));
      const [one, ...others] = await Promise.all(reads);
      if (one === undefined || one.body !== undefined) throw new NotOffered('GET with stream=true answers JSON');
      must(one.status === 200 && one.events.length > 0, `answered ${said(one)}`);
      for (const other of others)
        same(
          other.events.map(event => event.text),
          one.events.map(event => event.text),
          "another reader's events",
        );
      return `${one.events.length} events, three times`;
    },
  },
  {
    id: 'cancel.running',
    asks: 'A running background response is cancelled; cancelling it again changes nothing.',
    why: 'Two clicks on "stop" are one stop.',
    async run(probe) {
      const { id } = await begin(probe);
      const first = await cancel(probe.server, id);
      must(first.status === 200, `answered ${said(first)}`);
      if (at(first.body, 'status') === 'completed') throw new Skipped('it was completed before');
      same(at(first.body, 'status'), 'cancelled', 'its status');
      same(at(first.body, 'object'), 'response', 'object');
      const again = await cancel(probe.server, id);
      same([again.status, again.body], [200, first.body], 'the second answer');
      same((await settled(probe.server, id))['status'], 'cancelled', 'the status read');
      return 'cancelled, twice';
    },
  },
  {
    id: 'cancel.stream',
    asks: 'A stream of a response that is cancelled ends.',
    why: 'A reader that waits for what never comes holds its user.',
    async run(probe) {
      const { id } = await begin(probe);
      const reading = probe.server.stream('GET', `/responses/${String(id)}?stream=true`);
      const answer = await cancel(probe.server, id);
      must(answer.status === 200, `answered ${said(answer)}`);
      const streamed = await reading;
      if (streamed.status !== 200) throw new NotOffered(`GET as a stream answers ${said(streamed)}`);
      must(streamed.faults.length === 0, streamed.faults.join('; '));
      return `it ends with ${String(streamed.events.at(-1)?.name)}`;
    },
  },
  {
    id: 'cancel.foreground',
    asks: 'A response that does not run in the background cannot be cancelled: 400.',
    why: 'It is documented so; to stop it one hangs up.',
    async run({ server, ask }) {
      const { id } = await server.create(ask('Hello.'));
      const answer = await cancel(server, id);
      must(answer.status === 400, `answered ${said(answer)}`);
      return said(answer).slice(0, 80);
    },
  },
  {
    id: 'cancel.unknown',
    asks: 'Cancelling what does not exist is 404.',
    why: 'As for every other verb.',
    async run({ server, ask }) {
      // Whether there is such a route at all is seen on a response that exists.
      const { id } = await server.create(ask('Hello.'));
      await cancel(server, id);
      const answer = await server.send('POST', '/responses/resp_00000000000000000000000000000000/cancel');
      must(answer.status === 404, `answered ${said(answer)}`);
      return said(answer).slice(0, 80);
    },
  },
];
