/** `previous_response_id`, what is not stored, and whose things are whose. */
import { type Check, must, same } from '../check.ts';
import { at, callsOf, type Json, listAt, outputText } from '../json.ts';
import { type Answer, codeOf, said, type Server } from '../server.ts';
import { CALLS } from './stream.ts';

export const WHICH = 'What is my dog called? Answer with the name.';
export const dog = (name: string): string => `My dog is called ${name}.`;

/** Resolved or rejected, never ignored. */
export function notFound(answer: Answer, what: string): void {
  must(answer.status === 400 || answer.status === 404, `${what}: answered ${said(answer)}`);
  same(codeOf(answer), 'previous_response_not_found', `${what}: the code`);
}

const next = (
  server: Server,
  ask: (input: string, more?: Json) => Json,
  previous: unknown,
  input = WHICH,
): Promise<Json> => server.create(ask(input, { previous_response_id: previous }));

export const CHAINING: readonly Check[] = [
  {
    id: 'chain.remembers',
    asks: 'A response goes on from its previous one, and says so.',
    why: 'It is what `previous_response_id` is for.',
    async run({ server, ask, word }) {
      const name = word();
      const first = await server.create(ask(dog(name)));
      const second = await next(server, ask, first['id']);
      must(outputText(second).includes(name), `answered ${outputText(second)}`);
      same(second['previous_response_id'], first['id'], 'previous_response_id');
      return outputText(second).slice(0, 80);
    },
  },
  {
    id: 'chain.unknown',
    asks: 'A previous response that does not exist is refused with `previous_response_not_found`.',
    why: 'Ignored, the model answers without the history and nobody notices.',
    async run({ server, ask }) {
      const answer = await server.post(
        '/responses',
        ask(WHICH, { previous_response_id: 'resp_00000000000000000000000000000000' }),
      );
      notFound(answer, 'an unknown id');
      same(at(answer.body, 'error', 'param'), 'previous_response_id', 'param');
      notFound(await server.post('/responses', ask(WHICH, { previous_response_id: 'no id at all' })), 'no id at all');
      return String(answer.status);
    },
  },
  {
    id: 'chain.at-once',
    asks: 'Once the completed event is there the response can be read and gone on from.',
    why: 'Agents send the next turn in the same millisecond.',
    async run({ server, ask, word }) {
      for (let round = 0; round < 5; round += 1) {
        const name = word();
        const events = await server.stream('POST', '/responses', {
          body: ask(dog(name), { stream: true }),
          until: event => event.name === 'response.completed',
        });
        const id = at(events.events.at(-1)?.json, 'response', 'id');
        const [second, read] = await Promise.all([next(server, ask, id), server.get(`/responses/${String(id)}`)]);
        must(outputText(second).includes(name), `answered ${outputText(second)}`);
        same(at(read.body, 'status'), 'completed', 'the status read');
      }
      return '5 rounds';
    },
  },
  {
    id: 'chain.tools-kept',
    asks: 'Tool calls and their outputs stay in the history.',
    why: 'Without them the model calls again, or makes the result up.',
    async run({ server, ask, word }) {
      const result = word();
      const first = await server.create({ ...ask(CALLS.input), ...CALLS });
      const calls = callsOf(first);
      must(calls.length > 0, 'the model made no call');
      const outputs = calls.map(call => ({
        type: 'function_call_output',
        call_id: call['call_id'],
        output: `The station is called ${result}.`,
      }));
      const second = await server.create({ ...ask(outputs), tools: CALLS.tools, previous_response_id: first['id'] });
      const third = await next(server, ask, second['id'], 'What is the station called? Answer with its name.');
      must(outputText(third).includes(result), `answered ${outputText(third)}`);
      return outputText(third).slice(0, 80);
    },
  },
  {
    id: 'chain.instructions',
    asks: 'Instructions are not inherited.',
    why: 'It is documented so: each request brings its own.',
    async run({ server, ask, word }) {
      const name = word();
      const first = await server.create(ask('Hello.', { instructions: dog(name) }));
      const second = await next(server, ask, first['id']);
      same(second['instructions'], null, 'instructions');
      must(!outputText(second).includes(name), `the second response knows: ${outputText(second)}`);
      return outputText(second).slice(0, 80);
    },
  },
  {
    id: 'chain.forks',
    asks: 'Two responses may go on from the same one, and do not know each other.',
    why: 'Edited questions and parallel tries do that.',
    async run({ server, ask, word }) {
      const [one, two] = [word(), word()];
      const root = await server.create(ask('Hello.'));
      const left = await next(server, ask, root['id'], dog(one));
      const right = await next(server, ask, root['id'], dog(two));
      const [saidLeft, saidRight] = [await next(server, ask, left['id']), await next(server, ask, right['id'])].map(
        outputText,
      );
      must(saidLeft?.includes(one) === true && !saidLeft.includes(two), `the first branch says ${saidLeft ?? ''}`);
      must(saidRight?.includes(two) === true && !saidRight.includes(one), `the second branch says ${saidRight ?? ''}`);
      return 'two branches';
    },
  },
  {
    id: 'chain.not-pruned',
    asks: 'A chain of eight is not pruned: the first turn is still known.',
    why: 'A server that keeps the last turns only loses what the user said first.',
    async run({ server, ask, word }) {
      const name = word();
      let last = await server.create(ask(dog(name)));
      for (let turn = 0; turn < 6; turn += 1) last = await next(server, ask, last['id'], `Note number ${turn}.`);
      const answer = outputText(await next(server, ask, last['id']));
      must(answer.includes(name), `answered ${answer}`);
      return answer.slice(0, 80);
    },
  },
  {
    id: 'chain.deleted',
    asks: 'A deleted response can neither be read nor gone on from.',
    why: 'Deleted must mean gone.',
    async run({ server, ask }) {
      const { id } = await server.create(ask('Hello.'));
      const deleted = await server.delete(`/responses/${String(id)}`);
      same([deleted.status, at(deleted.body, 'deleted')], [200, true], 'the deletion');
      const read = await server.get(`/responses/${String(id)}`);
      must(read.status === 404, `GET answers ${said(read)}`);
      notFound(await server.post('/responses', ask(WHICH, { previous_response_id: id })), 'going on');
      return '404, previous_response_not_found';
    },
  },
  {
    id: 'chain.input-items',
    asks: 'The input of a response is listed, with ids.',
    why: 'Interfaces show a conversation from it.',
    async run({ server, ask, word }) {
      const text = dog(word());
      const { id } = await server.create(ask(text));
      const list = await server.get(`/responses/${String(id)}/input_items`);
      must(list.status === 200, `answered ${said(list)}`);
      const items = listAt(list.body, 'data');
      must(
        items.some(item => JSON.stringify(item).includes(text)),
        'the input is not among them',
      );
      must(
        items.every(item => typeof item['id'] === 'string'),
        'an item has no id',
      );
      return `${items.length} items`;
    },
  },
  {
    id: 'chain.item-reference',
    asks: 'An item is referred to by its id, and one that does not exist is refused.',
    why: 'Agents SDKs send references instead of what is stored.',
    async run({ server, ask, word }) {
      const name = word();
      const first = await server.create(ask(dog(name)));
      const listed = listAt((await server.get(`/responses/${String(first['id'])}/input_items`)).body, 'data');
      const message = listed.find(item => JSON.stringify(item).includes(name));
      const reference = { type: 'item_reference', id: message?.['id'] };
      const answer = await server.post('/responses', ask([reference, { role: 'user', content: WHICH }]));
      must(answer.status === 200 && answer.text.includes(name), `answered ${said(answer)}`);
      const unknown = { type: 'item_reference', id: 'msg_00000000000000000000000000000000' };
      const refused = await server.post('/responses', ask([unknown, { role: 'user', content: WHICH }]));
      must(refused.status === 400 || refused.status === 404, `an unknown one: answered ${said(refused)}`);
      return 'resolved, or refused';
    },
  },
  {
    id: 'chain.isolation',
    asks: 'What belongs to another key looks like what does not exist, on every verb and hop.',
    why: "A leak here shows one customer's conversation to another.",
    needs: ['second key'],
    async run({ server, other, ask, word }) {
      const name = word();
      const events = await server.events(ask(dog(name)));
      const id = at(events.at(-1), 'response', 'id');
      const item = at(listAt((await server.get(`/responses/${String(id)}/input_items`)).body, 'data'), 0, 'id');
      const path = `/responses/${String(id)}`;
      for (const [what, answer] of [
        ['GET', await other.get(path)],
        ['GET as a stream', await other.get(`${path}?stream=true`)],
        ['input_items', await other.get(`${path}/input_items`)],
        ['cancel', await other.post(`${path}/cancel`, {})],
        ['DELETE', await other.delete(path)],
      ] as const) {
        must(answer.status === 404, `${what}: answered ${said(answer)}`);
        must(!answer.text.includes(name), `${what}: shows what is another's`);
      }
      notFound(await other.post('/responses', ask(WHICH, { previous_response_id: id })), 'going on');
      const reference = await other.post(
        '/responses',
        ask([
          { type: 'item_reference', id: item },
          { role: 'user', content: WHICH },
        ]),
      );
      must(reference.status >= 400 && !reference.text.includes(name), `by reference: answered ${said(reference)}`);
      must((await server.get(path)).status === 200, 'it is gone for its owner too');
      return 'seven ways';
    },
  },
  {
    id: 'stateless.not-readable',
    asks: 'With `store: false` nothing can be read afterwards.',
    why: 'It is why people ask for it.',
    async run({ server, ask }) {
      const whole = await server.create(ask('Hello.', { store: false }));
      const events = await server.events(ask('Hello.', { store: false }));
      for (const { id, store } of [whole, events.at(-1)?.['response'] as Json]) {
        same(store, false, 'store');
        const read = await server.get(`/responses/${String(id)}`);
        must(read.status === 404, `GET answers ${said(read)}`);
        const items = await server.get(`/responses/${String(id)}/input_items`);
        must(items.status === 404, `input_items answers ${said(items)}`);
      }
      return '404';
    },
  },
  {
    id: 'stateless.not-chainable',
    asks: 'A response that was not stored cannot be gone on from over HTTP.',
    why: 'Going on without it would forget it in silence.',
    async run({ server, ask }) {
      const { id } = await server.create(ask('Hello.', { store: false }));
      notFound(await server.post('/responses', ask(WHICH, { previous_response_id: id })), 'going on');
      return 'previous_response_not_found';
    },
  },
  {
    id: 'stateless.continues-stored',
    asks: 'A stateless request may go on from a stored response.',
    why: 'A question on the side leaves no trace.',
    async run({ server, ask, word }) {
      const name = word();
      const first = await server.create(ask(dog(name)));
      const side = await server.create(ask(WHICH, { previous_response_id: first['id'], store: false }));
      must(outputText(side).includes(name), `answered ${outputText(side)}`);
      must((await server.get(`/responses/${String(side['id'])}`)).status === 404, 'it was stored');
      return outputText(side).slice(0, 80);
    },
  },
];
