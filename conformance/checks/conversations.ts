/** Conversations: their life, their items, and what outlives them. */
import { type Check, must, same } from '../check.ts';
import { at, type Json, listAt, outputText, textAt } from '../json.ts';
import { codeOf, refusedAsRoute, said, type Server } from '../server.ts';
import { dog, WHICH } from './chaining.ts';

const message = (content: string): Json => ({ type: 'message', role: 'user', content });

async function begin(server: Server, body: Json = {}): Promise<string> {
  const answer = await server.post('/conversations', body);
  refusedAsRoute(answer);
  must(answer.status === 200, `the conversation was not made: ${said(answer)}`);
  return textAt(answer.body, 'id');
}

const refused = (answer: { status: number; body: unknown }, what: string): void =>
  must(answer.status === 400 || answer.status === 422, `${what}: answered ${said(answer)}`);

export const CONVERSATIONS: readonly Check[] = [
  {
    id: 'conversations.life',
    asks: 'A conversation is made, read, changed and deleted.',
    why: 'It is the whole of its interface.',
    async run({ server }) {
      const id = await begin(server, { metadata: { topic: 'one' } });
      const path = `/conversations/${id}`;
      const read = await server.get(path);
      same([at(read.body, 'object'), at(read.body, 'metadata')], ['conversation', { topic: 'one' }], 'what is read');
      must(Number.isSafeInteger(at(read.body, 'created_at')), 'created_at is no whole number');
      const changed = await server.post(path, { metadata: { topic: 'two' } });
      same(at(changed.body, 'metadata'), { topic: 'two' }, 'the metadata changed');
      const deleted = await server.delete(path);
      same([at(deleted.body, 'object'), at(deleted.body, 'deleted')], ['conversation.deleted', true], 'the deletion');
      same((await server.get(path)).status, 404, 'the status of a read after it');
      return id;
    },
  },
  {
    id: 'conversations.remember',
    asks: 'A response in a conversation knows its items, and adds its own.',
    why: 'It is what a conversation is for.',
    async run({ server, ask, word }) {
      const name = word();
      const conversation = await begin(server, { items: [message(dog(name))] });
      const response = await server.create(ask(WHICH, { conversation }));
      must(outputText(response).includes(name), `answered ${outputText(response)}`);
      same(at(response, 'conversation', 'id'), conversation, 'the conversation of the response');
      const items = listAt((await server.get(`/conversations/${conversation}/items?order=asc`)).body, 'data');
      same(items.length, 2 + listAt(response, 'output').length, 'the number of items');
      same(items.at(-1)?.['id'], listAt(response, 'output').at(-1)?.['id'], 'the last item');
      return `${items.length} items`;
    },
  },
  {
    id: 'conversations.add-bound',
    asks: 'Up to 20 items are added at once, and not 21.',
    why: 'It is the documented bound.',
    async run({ server }) {
      const id = await begin(server);
      const items = Array.from({ length: 21 }, (_, index) => message(`Note ${index}.`));
      const taken = await server.post(`/conversations/${id}/items`, { items: items.slice(1) });
      same([taken.status, listAt(taken.body, 'data').length], [200, 20], 'the answer to 20');
      refused(await server.post(`/conversations/${id}/items`, { items }), '21 items');
      same(
        listAt((await server.get(`/conversations/${id}/items?limit=100`)).body, 'data').length,
        20,
        'the items kept',
      );
      return '20 taken, 21 refused';
    },
  },
  {
    id: 'conversations.items',
    asks: 'An item is read and deleted by its id.',
    why: 'What should not have been said is taken out.',
    async run({ server, ask, word }) {
      const name = word();
      const id = await begin(server, { items: [message(dog(name)), message('Hello.')] });
      const items = listAt((await server.get(`/conversations/${id}/items?order=asc`)).body, 'data');
      const path = `/conversations/${id}/items/${textAt(items[0], 'id')}`;
      same((await server.get(path)).body, items[0], 'the item read');
      const deleted = await server.delete(path);
      same(
        [deleted.status, at(deleted.body, 'object'), at(deleted.body, 'id')],
        [200, 'conversation', id],
        'the deletion',
      );
      same((await server.get(path)).status, 404, 'the status of a read after it');
      const response = await server.create(ask(WHICH, { conversation: id }));
      must(!outputText(response).includes(name), 'the model still knows it');
      return 'read, deleted, forgotten';
    },
  },
  {
    id: 'conversations.exclusive',
    asks: 'A conversation and a previous response together are refused.',
    why: 'There can be one history only.',
    async run({ server, ask }) {
      const conversation = await begin(server);
      const { id } = await server.create(ask('Hello.'));
      const answer = await server.post('/responses', ask('Hello.', { conversation, previous_response_id: id }));
      refused(answer, 'both');
      return codeOf(answer);
    },
  },
  {
    id: 'conversations.unknown',
    asks: 'A conversation that does not exist is refused, by address and by field.',
    why: 'Ignored, the history is lost in silence.',
    async run({ server, ask }) {
      const id = await begin(server);
      await server.delete(`/conversations/${id}`);
      same((await server.get(`/conversations/${id}/items`)).status, 404, 'the status of its items');
      const answer = await server.post('/responses', ask('Hello.', { conversation: id }));
      must(answer.status === 400 || answer.status === 404, `answered ${said(answer)}`);
      return codeOf(answer);
    },
  },
  {
    id: 'conversations.locked',
    asks: 'While a response runs in a conversation another is refused with `conversation_locked`.',
    why: 'Two at once would write one history in two orders.',
    needs: ['emulator'],
    async run({ server, ask }) {
      const conversation = await begin(server);
      const long = server.create(ask('Tell me. [[words: 20]] [[latency: 20]]', { conversation }));
      // The first is under way once the conversation says so; until then the second may win.
      let answer = await server.post('/responses', ask('Hello.', { conversation }));
      for (let tries = 0; answer.status === 200 && tries < 5; tries += 1)
        answer = await server.post('/responses', ask('Hello.', { conversation }));
      const first = await long.catch(() => null);
      must(answer.status === 400 || first === null, `both were taken: ${said(answer)}`);
      if (answer.status === 400) same(codeOf(answer), 'conversation_locked', 'the code');
      same((await server.create(ask('Hello.', { conversation })))['status'], 'completed', 'the next one');
      return codeOf(answer);
    },
  },
  {
    id: 'conversations.deletion-spares',
    asks: 'Deleting a conversation does not delete the responses made in it.',
    why: 'It is documented so: items outlive their conversation.',
    async run({ server, ask }) {
      const conversation = await begin(server);
      const response = await server.create(ask('Hello.', { conversation }));
      await server.delete(`/conversations/${conversation}`);
      const read = await server.get(`/responses/${String(response['id'])}`);
      must(read.status === 200, `GET answers ${said(read)}`);
      same(at(read.body, 'output'), response['output'], 'its output');
      return 'readable';
    },
  },
  {
    id: 'conversations.isolation',
    asks: "Another key's conversation looks like one that does not exist, on every verb.",
    why: "A leak here shows one customer's conversation to another.",
    needs: ['second key'],
    async run({ server, other, ask, word }) {
      const name = word();
      const id = await begin(server, { items: [message(dog(name))] });
      const item = textAt((await server.get(`/conversations/${id}/items`)).body, 'data', 0, 'id');
      const path = `/conversations/${id}`;
      for (const [what, answer] of [
        ['GET', await other.get(path)],
        ['POST', await other.post(path, { metadata: { a: 'b' } })],
        ['items', await other.get(`${path}/items`)],
        ['an item', await other.get(`${path}/items/${item}`)],
        ['adding', await other.post(`${path}/items`, { items: [message('Hello.')] })],
        ['deleting an item', await other.delete(`${path}/items/${item}`)],
        ['DELETE', await other.delete(path)],
      ] as const) {
        must(answer.status === 404, `${what}: answered ${said(answer)}`);
        must(!answer.text.includes(name), `${what}: shows what is another's`);
      }
      const answer = await other.post('/responses', ask(WHICH, { conversation: id }));
      must(answer.status >= 400 && !answer.text.includes(name), `a response in it: answered ${said(answer)}`);
      return 'eight ways';
    },
  },
];
