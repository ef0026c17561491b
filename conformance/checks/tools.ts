/** Tools that the client runs, and tools that the server does not have. */
import { type Check, must, NotOffered, same, Skipped } from '../check.ts';
import { callsOf, type Json, listAt, outputText, parsed, textAt } from '../json.ts';
import { codeOf, refusedAsUnknown, said } from '../server.ts';
import { CALLS } from './stream.ts';

const output = (call: Json | undefined, text: string): Json => ({
  type: 'function_call_output',
  call_id: call?.['call_id'] ?? '',
  output: text,
});

export const TOOLS: readonly Check[] = [
  {
    id: 'tools.call',
    asks: 'A call has a call_id and arguments in JSON, and its output goes on from it.',
    why: 'It is the whole of tool use.',
    async run({ server, ask, word }) {
      const result = word();
      const first = await server.create({ ...ask(CALLS.input), ...CALLS });
      const calls = callsOf(first);
      must(calls.length > 0, 'the model made no call');
      for (const call of calls) {
        must(typeof call['call_id'] === 'string' && call['call_id'] !== '', 'a call has no call_id');
        must(typeof parsed(textAt(call, 'arguments')) === 'object', `arguments are ${textAt(call, 'arguments')}`);
        same(call['status'], 'completed', 'the status of a call');
      }
      same(first['status'], 'completed', 'the status of the response');
      const outputs = calls.map(call => output(call, `The result is ${result}.`));
      const second = await server.create({ ...ask(outputs), tools: CALLS.tools, previous_response_id: first['id'] });
      must(outputText(second).includes(result), `answered ${outputText(second)}`);
      return `${calls.length} calls`;
    },
  },
  {
    id: 'tools.parallel',
    asks: 'Outputs of parallel calls are matched by call_id, in whatever order they come.',
    why: 'Tools finish in another order than they began.',
    async run({ server, ask, word }) {
      const [oslo, rome] = [word(), word()];
      const first = await server.create({ ...ask(CALLS.input), ...CALLS });
      const calls = callsOf(first);
      if (calls.length < 2) throw new Skipped('the model made one call only');
      must(new Set(calls.map(call => call['call_id'])).size === calls.length, 'two calls share a call_id');
      const [one, two] = calls;
      const outputs = [output(two, `It is ${rome} there.`), output(one, `It is ${oslo} there.`)];
      const body = { ...ask(outputs), tools: CALLS.tools, previous_response_id: first['id'] };
      const answer = await server.post('/responses', body);
      must(answer.status === 200, `answered ${said(answer)}`);
      const listed = await server.get(`/responses/${textAt(answer.body, 'id')}/input_items?order=asc`);
      const kept = listAt(listed.body, 'data').filter(item => item['type'] === 'function_call_output');
      const byCall = new Map(kept.map(item => [item['call_id'], JSON.stringify(item['output'])]));
      must(byCall.get(two?.['call_id'])?.includes(rome) !== false, 'an output stands with another call');
      return `${calls.length} calls, outputs in reverse`;
    },
  },
  {
    id: 'tools.orphan',
    asks: 'An output for a call that nobody made is refused.',
    why: 'Models that get one fail, or believe it.',
    async run({ server, ask }) {
      const { id } = await server.create(ask('Hello.'));
      const orphan = output({ call_id: 'call_of_nobody' }, 'Forty-two.');
      const answer = await server.post('/responses', ask([orphan], { previous_response_id: id }));
      must(answer.status === 400, `answered ${said(answer)}`);
      return codeOf(answer);
    },
  },
  {
    id: 'tools.missing-output',
    asks: 'Going on without the output of an open call is refused.',
    why: 'The upstream refuses such a history in every later turn.',
    async run({ server, ask }) {
      const first = await server.create({ ...ask(CALLS.input), ...CALLS });
      must(callsOf(first).length > 0, 'the model made no call');
      const answer = await server.post('/responses', ask('Never mind.', { previous_response_id: first['id'] }));
      must(answer.status === 400, `answered ${said(answer)}`);
      return codeOf(answer);
    },
  },
  {
    id: 'tools.unknown-hosted',
    asks: 'A hosted tool that the server does not know is skipped or refused, never a failure of the server.',
    why: 'Clients offer the tools of the newest server to every server.',
    async run({ server, ask }) {
      for (const tool of [
        { type: 'tool_of_tomorrow', option: 1 },
        { type: 'web_search' },
        { type: 'namespace', name: 'a', tools: [] },
      ]) {
        const answer = await server.post('/responses', ask('Hello.', { tools: [tool, CALLS.tools[0]] }));
        must(answer.status === 200 || answer.status === 400, `${tool.type}: answered ${said(answer)}`);
        if (answer.status === 200) must(textAt(answer.body, 'status') === 'completed', `${tool.type}: not completed`);
      }
      return 'three types';
    },
  },
  {
    id: 'tools.choice-none',
    asks: 'With `tool_choice: none` no tool is called.',
    why: 'A client that forbids a call does not answer it.',
    async run({ server, ask }) {
      const response = await server.create({ ...ask(CALLS.input), ...CALLS, tool_choice: 'none' });
      same(callsOf(response).length, 0, 'the number of calls');
      same(response['tool_choice'], 'none', 'tool_choice');
      return 'no call';
    },
  },
  {
    id: 'tools.choice-named',
    asks: 'With a named `tool_choice` that tool is called; a name that is no tool is refused.',
    why: 'Structured workflows are built on it.',
    async run({ server, ask }) {
      const choice = { type: 'function', name: 'clock' };
      const response = await server.create({
        ...ask('The time in Rome, please.'),
        tools: CALLS.tools,
        tool_choice: choice,
      });
      same([...new Set(callsOf(response).map(call => call['name']))], ['clock'], 'the names called');
      const answer = await server.post(
        '/responses',
        ask('Hello.', { tools: CALLS.tools, tool_choice: { ...choice, name: 'nobody' } }),
      );
      must(answer.status === 400, `a name that is no tool: answered ${said(answer)}`);
      return 'clock';
    },
  },
  {
    id: 'tools.custom',
    asks: 'A custom tool is called with text, in an item of its own kind.',
    why: 'Current coding agents write patches that way.',
    async run({ server, ask }) {
      const tool = { type: 'custom', name: 'notes', description: 'Takes a note.' };
      const body = ask('Use notes: call the tool.', { tools: [tool], tool_choice: { type: 'custom', name: 'notes' } });
      const answer = await server.post('/responses', body);
      refusedAsUnknown(answer);
      if (answer.status === 400) throw new NotOffered(said(answer).slice(0, 100));
      must(answer.status === 200, `answered ${said(answer)}`);
      const call = listAt(answer.body, 'output').find(item => item['type'] === 'custom_tool_call');
      if (call === undefined) throw new NotOffered('no custom_tool_call came');
      must(typeof call['input'] === 'string' && typeof call['call_id'] === 'string', 'it has no input, or no call_id');
      const back = [{ type: 'custom_tool_call_output', call_id: call['call_id'], output: 'Noted.' }];
      const next = await server.post('/responses', {
        ...ask(back),
        tools: [tool],
        previous_response_id: textAt(answer.body, 'id'),
      });
      must(next.status === 200, `its output: answered ${said(next)}`);
      return textAt(call, 'input').slice(0, 60);
    },
  },
];
