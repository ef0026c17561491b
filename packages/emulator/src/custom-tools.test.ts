import { describe, expect, test } from 'vitest';
import { readCompletion } from './completion.ts';
import { failureOf } from './failure.ts';
import type { Identity, Reply } from './reply.ts';

/** Custom tools and log probabilities in both dialects, pinned as far as they are new. */
const identity: Identity = { id: (prefix, index = 0) => `${prefix}${index}`, createdAt: 1_767_225_600 };
const responses = (body: object): Reply => readCompletion('responses', 'aws', { model: 'm', ...body }).reply(identity);
const chat = (body: object): Reply => readCompletion('chat', 'aws', { model: 'm', ...body }).reply(identity);
const frames = (reply: Reply): string[] => Array.from(reply.frames(), frame => frame.text);
const user = (content: string): object => ({ messages: [{ role: 'user', content }] });
const sql = { type: 'custom', name: 'sql', format: { type: 'grammar', syntax: 'regex', definition: 'select .*' } };
const { name, format } = sql;
const { type, ...grammar } = format;
const wrapped = { type: 'custom', custom: { name, format: { type, grammar } } };

describe('a custom tool', () => {
  const ITEM =
    '{"id":"ctc_0","type":"custom_tool_call","status":"completed","call_id":"call_0","name":"sql","input":"a 1"}';

  test('in a response, whole and streamed', () => {
    const reply = responses({ input: 'Use sql `a 1` now.', tools: [sql] });
    expect(reply.body()).toContain(`"output":[${ITEM}]`);
    expect(reply.body()).toContain(`"tools":[${JSON.stringify(sql)}]`);
    const at = '"item_id":"ctc_0","output_index":0';
    const delta = 'response.custom_tool_call_input.delta';
    expect(frames(reply).slice(3, 7)).toEqual([
      `event: ${delta}\ndata: {"type":"${delta}","sequence_number":3,${at},"delta":"a"}\n\n`,
      `event: ${delta}\ndata: {"type":"${delta}","sequence_number":4,${at},"delta":" 1"}\n\n`,
      `event: response.custom_tool_call_input.done\ndata: {"type":"response.custom_tool_call_input.done","sequence_number":5,${at},"input":"a 1"}\n\n`,
      `event: response.output_item.done\ndata: {"type":"response.output_item.done","sequence_number":6,"output_index":0,"item":${ITEM}}\n\n`,
    ]);
  });

  test('in a chat, whole and streamed', () => {
    const reply = chat({ ...user('Use sql "b" now.'), tools: [wrapped] });
    expect(reply.body()).toContain(
      '"tool_calls":[{"id":"call_0","type":"custom","custom":{"name":"sql","input":"b"}}]',
    );
    const streamed = frames(reply).join('');
    expect(streamed).toContain(
      '"tool_calls":[{"index":0,"id":"call_0","type":"custom","custom":{"name":"sql","input":""}}]',
    );
    expect(streamed).toContain('"tool_calls":[{"index":0,"custom":{"input":"b"}}]');
  });

  test.each([
    ['Use sql `a` and sql "b".', ['a', 'b']],
    ['Use sql: some words', ['some words']],
    ['sql', ['']],
  ])('its input is what stands after its name: %s', (input, expected) => {
    const { output } = JSON.parse(responses({ input, tools: [sql] }).body()) as { output: { input: string }[] };
    expect(output.map(item => item.input)).toEqual(expected);
  });

  test('can be chosen, by its kind and name', () => {
    const request = { input: 'Hello.', tools: [sql, { type: 'function', name: 'f' }] };
    const chosen = responses({ ...request, tool_choice: { type: 'custom', name: 'sql' } }).body();
    expect(chosen).toContain('"name":"sql","input":"Hello."');
    expect(refusal({ ...request, tool_choice: { type: 'custom', name: 'f' } })).toContain("'f' not found");
    expect(refusal({ ...request, tools: [{ ...sql, format: { type: 'xml' } }] })).toContain("Invalid value: 'xml'");
    expect(refusal({ ...request, tools: [{ ...sql, format: { ...format, syntax: 'bnf' } }] })).toContain("'bnf'");
    expect(refusal({ ...request, tools: [{ ...sql, format: { type: 'grammar', syntax: 'lark' } }] })).toContain(
      'definition',
    );
  });

  function refusal(body: object): string {
    try {
      responses(body);
      return 'accepted';
    } catch (error) {
      return failureOf(error)?.message ?? String(error);
    }
  }
});

describe('log probabilities', () => {
  const token = (text: string, logprob: number) => ({ token: text, logprob, bytes: [...Buffer.from(text)] });

  test('are of the pieces that are sent, the same each time', () => {
    const reply = responses({ input: 'Hi', top_logprobs: 2, include: ['message.output_text.logprobs'] });
    const { output } = JSON.parse(reply.body()) as { output: { content: { text: string; logprobs: unknown[] }[] }[] };
    const { logprobs = [], text } = output[0]?.content[0] ?? {};
    expect(logprobs[0]).toEqual({ ...token('[', -0.308), top_logprobs: [token('[', -0.308), token('one', -1.308)] });
    expect(logprobs.map(one => (one as { token: string }).token).join('')).toBe(text);
    const deltas = frames(reply).filter(frame => frame.includes('output_text.delta'));
    expect(deltas).toHaveLength(logprobs.length);
    expect(deltas[0]).toContain(`"logprobs":[${JSON.stringify(logprobs[0])}]`);
    expect(responses({ input: 'Hi', top_logprobs: 2 }).body()).toContain('"logprobs":[]');
  });

  test('of a chat are asked for by themselves', () => {
    const reply = chat({ ...user('Hi'), logprobs: true });
    const { choices } = JSON.parse(reply.body()) as { choices: { logprobs: { content: unknown[] } }[] };
    expect(choices[0]?.logprobs.content[0]).toEqual({ ...token('[', -0.308), top_logprobs: [] });
    expect(frames(reply)[1]).toContain(
      `"logprobs":{"content":[${JSON.stringify(choices[0]?.logprobs.content[0])}],"refusal":null}`,
    );
    expect(() => chat({ ...user('Hi'), top_logprobs: 1 })).toThrow("'logprobs' is enabled");
  });
});

describe('a namespace', () => {
  const find = { type: 'function', name: 'find' };
  const crm = { type: 'namespace', name: 'crm', description: 'd', tools: [find, sql] };

  test('its tools are called by both names', () => {
    const reply = responses({ input: 'Use find {"id":1} and sql `a`.', tools: [crm] });
    expect(reply.body()).toContain('"arguments":"{\\"id\\":1}","call_id":"call_0","name":"find","namespace":"crm"}');
    expect(reply.body()).toContain('"call_id":"call_1","name":"sql","namespace":"crm","input":"a"}');
    expect(reply.body()).toContain(`"tools":[${JSON.stringify(crm)}]`);
  });

  test('a choice names one of them, or all', () => {
    const tools = [{ ...find, name: 'other' }, crm];
    for (const choice of [
      { type: 'function', name: 'crm.find' },
      { type: 'allowed_tools', mode: 'required', tools: [{ type: 'namespace', name: 'crm' }] },
    ])
      expect(responses({ input: 'x', tools, tool_choice: choice }).body()).toContain('"name":"find","namespace":"crm"');
  });

  test.each([
    [{ ...crm, description: undefined }, 'tools[0].description'],
    [{ ...crm, tools: [{ type: 'namespace' }] }, 'tools[0].tools[0].type'],
    [{ ...crm, tools: [{ type: 'function', name: 'a b' }] }, 'tools[0].tools[0].name'],
  ])('%j is refused', (given, param) => {
    expect(() => responses({ input: 'x', tools: [given] })).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ param }) }),
    );
  });
});
