/** Compaction, and counting tokens. */
import { type Check, must, NotOffered, type Probe, same } from '../check.ts';
import { at, isJson, type Json, listAt, outputText, textAt } from '../json.ts';
import { compactionFaults } from '../schema.ts';
import { refusedAsRoute, refusedAsUnknown, said } from '../server.ts';
import { dog, WHICH } from './chaining.ts';

async function compact({ server, model }: Probe, body: Json): Promise<Json> {
  const answer = await server.post('/responses/compact', { model, ...body });
  refusedAsRoute(answer);
  must(answer.status === 200 && isJson(answer.body), `answered ${said(answer)}`);
  return answer.body;
}

const talk = (name: string): readonly Json[] => [
  { role: 'user', content: dog(name) },
  { role: 'assistant', content: `Good: ${name} it is.` },
  { role: 'user', content: 'I live in Oslo.' },
  { role: 'assistant', content: 'Good.' },
];

export const COMPACTION: readonly Check[] = [
  {
    id: 'compaction.shape',
    asks: 'A compacted response is the user messages, then exactly one compaction item, with usage.',
    why: 'Clients send its output as their next input.',
    async run(probe) {
      const compacted = await compact(probe, { input: talk(probe.word()) });
      same(compactionFaults(compacted), [], 'the faults by the schema');
      const output = listAt(compacted, 'output');
      same(output.at(-1)?.['type'], 'compaction', 'the type of the last item');
      must(textAt(output.at(-1), 'encrypted_content') !== '', 'the compaction item is empty');
      for (const item of output.slice(0, -1))
        same([item['type'], item['role']], ['message', 'user'], 'an item before it');
      return `${output.length} items`;
    },
  },
  {
    id: 'compaction.as-input',
    asks: 'The output of a compaction, sent as input, still knows what was said.',
    why: 'It is what stateless clients do with it.',
    async run(probe) {
      const name = probe.word();
      const compacted = await compact(probe, { input: talk(name) });
      const input = [...listAt(compacted, 'output'), { role: 'user', content: WHICH }];
      const response = await probe.server.create(probe.ask(input));
      must(outputText(response).includes(name), `answered ${outputText(response)}`);
      return outputText(response).slice(0, 80);
    },
  },
  {
    id: 'compaction.chain',
    asks: 'A stored chain is compacted, and what comes back can be gone on from.',
    why: 'Long sessions are kept short that way.',
    async run(probe) {
      const { server, ask, word } = probe;
      const name = word();
      const first = await server.create(ask(dog(name)));
      const compacted = await compact(probe, { previous_response_id: first['id'] });
      const next = await server.post('/responses', ask(WHICH, { previous_response_id: compacted['id'] }));
      if (next.status === 400 || next.status === 404) throw new NotOffered(`going on: ${said(next).slice(0, 80)}`);
      must(next.status === 200 && outputText(next.body).includes(name), `answered ${said(next)}`);
      const read = await server.get(`/responses/${String(compacted['id'])}`);
      must(read.status === 200, `GET answers ${said(read)}`);
      return outputText(next.body).slice(0, 80);
    },
  },
  {
    id: 'compaction.original-kept',
    asks: 'What was compacted can still be read and gone on from as it was.',
    why: 'Compacting is not deleting.',
    async run(probe) {
      const { server, ask, word } = probe;
      const name = word();
      const first = await server.create(ask(dog(name)));
      await compact(probe, { previous_response_id: first['id'] });
      same((await server.get(`/responses/${String(first['id'])}`)).body, first, 'the original');
      const next = await server.create(ask(WHICH, { previous_response_id: first['id'] }));
      must(outputText(next).includes(name), `answered ${outputText(next)}`);
      return 'unchanged';
    },
  },
  {
    id: 'compaction.trigger',
    asks: 'A `compaction_trigger` item is a signal: it is taken, and never listed.',
    why: 'Kept, it would compact again in every later turn.',
    async run(probe) {
      const { server, ask, word } = probe;
      // Whether the server compacts at all is seen at its route.
      await compact(probe, { input: talk(word()) });
      const name = word();
      const first = await server.create(ask(dog(name)));
      const input = [{ role: 'user', content: WHICH }, { type: 'compaction_trigger' }];
      const answer = await server.post('/responses', ask(input, { previous_response_id: first['id'] }));
      refusedAsUnknown(answer);
      must(answer.status === 200, `answered ${said(answer)}`);
      const listed = await server.get(`/responses/${textAt(answer.body, 'id')}/input_items`);
      must(!listed.text.includes('compaction_trigger'), 'it is listed among the input');
      return 'taken';
    },
  },
  {
    id: 'compaction.foreign-item',
    asks: 'A compaction item that the server did not make is refused, or passed over, never a failure of the server.',
    why: 'Clients move between servers.',
    async run(probe) {
      const { server, ask, word } = probe;
      await compact(probe, { input: talk(word()) });
      const input = [
        { type: 'compaction', encrypted_content: 'gAAAAABpM0Yj' },
        { role: 'user', content: 'Hello.' },
      ];
      const answer = await server.post('/responses', ask(input));
      must(answer.status < 500, `answered ${said(answer)}`);
      return said(answer).slice(0, 80);
    },
  },
  {
    id: 'compaction.isolation',
    asks: "Another key's response cannot be compacted.",
    why: 'Its compacted form would show it.',
    needs: ['second key'],
    async run(probe) {
      const { server, other, ask, word, model } = probe;
      const name = word();
      await compact(probe, { input: talk(word()) });
      const { id } = await server.create(ask(dog(name)));
      const answer = await other.post('/responses/compact', { model, previous_response_id: id });
      must(answer.status === 400 || answer.status === 404, `answered ${said(answer)}`);
      return said(answer).slice(0, 80);
    },
  },
  {
    id: 'tokens.count',
    asks: 'Input tokens are counted without a call: more for more, and with what came before.',
    why: 'Clients decide by it when to compact.',
    async run({ server, ask, model }) {
      const count = async (body: Json): Promise<number> => {
        const answer = await server.post('/responses/input_tokens', body);
        refusedAsRoute(answer);
        must(answer.status === 200, `answered ${said(answer)}`);
        same(at(answer.body, 'object'), 'response.input_tokens', 'object');
        const tokens = at(answer.body, 'input_tokens');
        must(Number.isSafeInteger(tokens) && Number(tokens) > 0, `input_tokens is ${JSON.stringify(tokens)}`);
        return Number(tokens);
      };
      const short = await count({ model, input: 'Hello.' });
      const long = await count({ model, input: 'Hello. '.repeat(100) });
      must(long > short, `${long} for the long one, ${short} for the short one`);
      const { id } = await server.create(ask('Hello. '.repeat(100)));
      const chained = await count({ model, input: 'Hello.', previous_response_id: id });
      must(chained > long, `${chained} with what came before, ${long} for that alone`);
      return `${short}, ${long}, ${chained}`;
    },
  },
];
