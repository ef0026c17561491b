/** Lists: bounds, order, cursors. Asked of the items of one conversation, or of a response's input where there are none. */
import { type Check, must, same } from '../check.ts';
import { at, type Json, listAt, textAt } from '../json.ts';
import { type Answer, said, type Server } from '../server.ts';
import type { Probe } from '../check.ts';

const COUNT = 23;

/** A list of 23 items in a known order. Made once for each check: nothing is shared between them. */
async function list({ server, ask }: Probe): Promise<(query: string) => Promise<Answer>> {
  const input = Array.from({ length: COUNT }, (_, index) => ({ role: 'user', content: `Note ${index}.` }));
  const { id } = await server.create(ask(input));
  return query => server.get(`/responses/${String(id)}/input_items${query}`);
}

const idsOf = (answer: Answer): readonly string[] => listAt(answer.body, 'data').map(item => textAt(item, 'id'));
const textsOf = (answer: Answer): readonly string[] =>
  listAt(answer.body, 'data').map(item => textAt(item, 'content', 0, 'text'));
const notes = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, index) => `Note ${from + index}.`);

export const LISTS: readonly Check[] = [
  {
    id: 'lists.default',
    asks: 'A list gives 20 by default, the newest first, and names its ends.',
    why: 'Clients page by `last_id` and trust the order.',
    async run(probe) {
      const answer = await (await list(probe))('');
      same([at(answer.body, 'object'), idsOf(answer).length], ['list', 20], 'object and length');
      same(textsOf(answer), notes(3, COUNT).toReversed(), 'the order');
      same(
        [at(answer.body, 'first_id'), at(answer.body, 'last_id')],
        [idsOf(answer)[0], idsOf(answer).at(-1)],
        'its ends',
      );
      same(at(answer.body, 'has_more'), true, 'has_more');
      return '20 of 23, newest first';
    },
  },
  {
    id: 'lists.order',
    asks: "`order=asc` and `order=desc` are each other's reverse; another word is refused.",
    why: 'A history shown backwards is another history.',
    async run(probe) {
      const get = await list(probe);
      const [asc, desc] = [await get('?order=asc&limit=100'), await get('?order=desc&limit=100')];
      same(textsOf(asc), notes(0, COUNT), 'asc');
      same(idsOf(desc), idsOf(asc).toReversed(), 'desc');
      const other = await get('?order=sideways');
      must(other.status === 400 || other.status === 422, `order=sideways: answered ${said(other)}`);
      return 'asc, desc';
    },
  },
  {
    id: 'lists.limit',
    asks: '`limit` is 1 to 100; 0, 101 and a word are refused.',
    why: 'Clamped in silence, a client believes that it has seen all.',
    async run(probe) {
      const get = await list(probe);
      same(idsOf(await get('?limit=1')).length, 1, 'the length with limit=1');
      same(idsOf(await get('?limit=100')).length, COUNT, 'the length with limit=100');
      for (const limit of ['0', '101', '-1', 'many']) {
        const answer = await get(`?limit=${limit}`);
        must(answer.status === 400 || answer.status === 422, `limit=${limit}: answered ${said(answer)}`);
      }
      return '1 and 100 taken, 0 and 101 refused';
    },
  },
  {
    id: 'lists.after',
    asks: 'Pages by `after` give each item once and in order.',
    why: 'It is how the SDKs iterate.',
    async run(probe) {
      const get = await list(probe);
      const seen: string[] = [];
      let pages = 0;
      for (let after = ''; pages < 10; pages += 1) {
        const answer = await get(`?order=asc&limit=7${after}`);
        seen.push(...textsOf(answer));
        if (at(answer.body, 'has_more') !== true) break;
        after = `&after=${textAt(answer.body, 'last_id')}`;
      }
      same(seen, notes(0, COUNT), 'what the pages hold');
      const unknown = await get('?after=msg_00000000000000000000000000000000');
      must(unknown.status >= 400 && unknown.status < 500, `an unknown cursor: answered ${said(unknown)}`);
      return `${pages + 1} pages`;
    },
  },
  {
    id: 'lists.has-more',
    asks: '`has_more` is true exactly if there is more, also where a page ends at the last item.',
    why: 'A guess makes a client ask forever, or stop early.',
    async run(probe) {
      const get = await list(probe);
      for (const [limit, more] of [
        [COUNT - 1, true],
        [COUNT, false],
        [COUNT + 1, false],
      ] as const)
        same(at((await get(`?limit=${limit}`)).body, 'has_more'), more, `has_more with limit=${limit}`);
      const last = await get(`?order=asc&limit=1&after=${idsOf(await get('?order=asc&limit=100')).at(-2) ?? ''}`);
      same([idsOf(last).length, at(last.body, 'has_more')], [1, false], 'the last page');
      return 'computed';
    },
  },
  {
    id: 'lists.conversation-items',
    asks: 'The items of a conversation are listed by the same rules.',
    why: 'One paging helper serves both.',
    async run({ server }) {
      const items = Array.from(
        { length: 5 },
        (_, index): Json => ({ type: 'message', role: 'user', content: `Note ${index}.` }),
      );
      const { body } = await server.post('/conversations', { items });
      const get = pagesOf(server, `/conversations/${textAt(body, 'id')}/items`);
      same(textsOf(await get('')), notes(0, 5).toReversed(), 'by default');
      const page = await get('?order=asc&limit=2');
      same([textsOf(page), at(page.body, 'has_more')], [notes(0, 2), true], 'the first page');
      const rest = await get(`?order=asc&limit=3&after=${textAt(page.body, 'last_id')}`);
      same([textsOf(rest), at(rest.body, 'has_more')], [notes(2, 5), false], 'the rest');
      const bad = await get('?limit=101');
      must(bad.status === 400 || bad.status === 422, `limit=101: answered ${said(bad)}`);
      return '5 items';
    },
  },
];

const pagesOf =
  (server: Server, path: string) =>
  (query: string): Promise<Answer> =>
    server.get(`${path}${query}`);
