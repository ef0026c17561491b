/** L12: the bytes that a Chat Completions upstream is sent. */
import { describe, expect, test } from 'vitest';
import type { CallSettings, ContextRun } from '../../engine/ports.ts';
import type { JsonObject, LoggedItem } from '../../log/events.ts';
import { encodeRequest, estimateRequest } from './request.ts';

const HEAD = '{"model":"m","stream":true,"stream_options":{"include_usage":true},"store":false,';
const run = (...items: LoggedItem[]): ContextRun => ({ items });
const sent = (context: readonly ContextRun[], settings: CallSettings = {}, whole = false) =>
  encodeRequest(context, settings, 'm', { whole }).body.toString('utf8');
const messages = (context: readonly ContextRun[]) => sent(context).slice(`${HEAD}"messages":[`.length, -2);

const message = (role: string, ...content: { type: string; [key: string]: string }[]): LoggedItem => ({
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role,
  content,
});
const user = message('user', { type: 'input_text', text: 'Hi' });
const assistant = message('assistant', { type: 'output_text', text: 'Let me ' }, { type: 'output_text', text: 'see.' });
const reasoning: LoggedItem = {
  type: 'reasoning',
  id: 'rs_1',
  status: 'completed',
  summary: [],
  encrypted_content: 'x',
};
const call = (id: string): LoggedItem => ({
  type: 'function_call',
  id: `fc_${id}`,
  status: 'completed',
  call_id: id,
  name: 'f',
  arguments: '{}',
});
const output = (id: string): LoggedItem => ({
  type: 'function_call_output',
  id: `fco_${id}`,
  status: 'completed',
  call_id: id,
  output: 'ok',
});

const CALL_A = '{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}';
const CALL_B = '{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}';

describe('messages', () => {
  test('the least: one message, no settings', () => {
    expect(sent([run(user)])).toBe(`${HEAD}"messages":[{"role":"user","content":"Hi"}]}`);
  });

  test('for an answer in one piece: no stream, and no options of one', () => {
    expect(sent([run(user)], { temperature: 0 }, true)).toBe(
      '{"model":"m","stream":false,"store":false,"temperature":0,"messages":[{"role":"user","content":"Hi"}]}',
    );
  });

  test('instructions come first, as system; a developer is one too', () => {
    const developer = message('developer', { type: 'input_text', text: 'Obey.' });
    expect(sent([run(developer, user)], { instructions: 'Be brief.' })).toBe(
      `${HEAD}"messages":[{"role":"system","content":"Be brief."},{"role":"system","content":"Obey."},{"role":"user","content":"Hi"}]}`,
    );
  });

  test('parts of a user', () => {
    const parts = message(
      'user',
      { type: 'input_text', text: 'See' },
      { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'low' },
      { type: 'input_file', filename: 'a.pdf', file_data: 'AAAA' },
    );
    expect(messages([run(parts)])).toBe(
      '{"role":"user","content":[{"type":"text","text":"See"},' +
        '{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"low"}},' +
        '{"type":"file","file":{"filename":"a.pdf","file_data":"AAAA"}}]}',
    );
  });

  test('an assistant text and the calls after it are one message; reasoning between them is left out', () => {
    expect(messages([run(user, assistant, reasoning, call('a'), call('b'), output('b'), output('a'))])).toBe(
      '{"role":"user","content":"Hi"},' +
        `{"role":"assistant","content":"Let me see.","tool_calls":[${CALL_A},${CALL_B}]},` +
        '{"role":"tool","tool_call_id":"b","content":"ok"},{"role":"tool","tool_call_id":"a","content":"ok"}',
    );
  });

  test('calls without a text; a refusal', () => {
    expect(messages([run(call('a'), output('a'))])).toBe(
      `{"role":"assistant","content":null,"tool_calls":[${CALL_A}]},{"role":"tool","tool_call_id":"a","content":"ok"}`,
    );
    expect(messages([run(message('assistant', { type: 'refusal', refusal: 'No.' }))])).toBe(
      '{"role":"assistant","content":null,"refusal":"No."}',
    );
  });

  test('parts of an output', () => {
    const item = {
      ...output('a'),
      output: [
        { type: 'input_text', text: 'one' },
        { type: 'input_text', text: 'two' },
      ],
    };
    expect(messages([run(call('a'), item)])).toContain(
      '"content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]',
    );
  });
});

describe('what is attached to outputs', () => {
  const image = { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'original' };
  const attached = (id: string, ...parts: JsonObject[]): LoggedItem => ({ ...output(id), output: parts });
  const tool = (id: string, content: string) => `{"role":"tool","tool_call_id":"${id}","content":"${content}"}`;
  const words = (id: string) => `{"type":"text","text":"Attached to the output of the tool call ${id}:"}`;
  const IMAGE = '{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"high"}}';

  test('goes into a message of the user after the last output, with a word of which call it is', () => {
    const items = [
      call('a'),
      call('b'),
      attached('a', { type: 'input_text', text: 'see' }, image),
      attached('b', image),
    ];
    expect(messages([run(...items, user)])).toBe(
      `{"role":"assistant","content":null,"tool_calls":[${CALL_A},${CALL_B}]},` +
        `${tool('a', 'see')},${tool('b', 'The output is attached below.')},` +
        `{"role":"user","content":[${words('a')},${IMAGE},${words('b')},${IMAGE}]},{"role":"user","content":"Hi"}`,
    );
  });

  test('however the items are cut into runs, no message comes between outputs', () => {
    const items = [call('a'), call('b'), call('c'), attached('a', image), attached('b', image), output('c'), user];
    const expected = messages([run(...items)]);
    expect(expected.match(/"role":"user"/g)).toHaveLength(2);
    for (let mask = 0; mask < 1 << (items.length - 1); mask++) {
      const runs: LoggedItem[][] = [[]];
      for (const [at, item] of items.entries()) {
        runs.at(-1)?.push(item);
        if ((mask >> at) & 1) runs.push([]);
      }
      expect(messages(runs.map(each => run(...each)))).toBe(expected);
    }
  });
});

describe('runs', () => {
  const whole = [
    user,
    assistant,
    call('a'),
    reasoning,
    call('b'),
    output('a'),
    output('b'),
    assistant,
    user,
    call('c'),
    output('c'),
  ];

  test('however the items are cut into runs, the messages are the same', () => {
    const expected = messages([run(...whole)]);
    for (let mask = 0; mask < 1 << (whole.length - 1); mask++) {
      const runs: LoggedItem[][] = [[]];
      for (const [at, item] of whole.entries()) {
        runs.at(-1)?.push(item);
        if ((mask >> at) & 1) runs.push([]);
      }
      expect(messages(runs.map(items => run(...items)))).toBe(expected);
    }
  });

  test('what is joined over the end of a run is encoded again when a run joins it, and only then', () => {
    const first = run(user, call('a'));
    const second = run(call('b'));
    expect(messages([first, second])).toContain(`[${CALL_A},${CALL_B}]`);
    expect(messages([first, second, run(call('c'))])).toContain('"id":"c"');
    expect(messages([second])).not.toContain('"id":"a"');
    expect(messages([run(call('z')), second])).toContain('"id":"z"');
  });

  test('L11: a run is encoded once, alone or joined', () => {
    let reads = 0;
    const watched = (item: LoggedItem, key: string): LoggedItem =>
      Object.defineProperty({ ...item }, key, {
        enumerable: true,
        get: () => {
          reads++;
          return item[key];
        },
      });
    const context = [
      run(watched(user, 'content')),
      run(watched(assistant, 'content')),
      run(watched(call('a'), 'arguments')),
    ];
    messages(context);
    const once = reads;
    expect(once).toBeGreaterThan(0);
    messages([...context, run(output('a'))]);
    estimateRequest([...context, run(output('a')), run(user)], {});
    expect(reads).toBe(once);
  });
});

test('every setting, in its order', () => {
  const settings: CallSettings = {
    tools: [
      { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
      { type: 'function', name: 'g', description: null, parameters: null, strict: null },
    ],
    toolChoice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] },
    parallelToolCalls: true,
    text: {
      format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true, description: null },
      verbosity: 'low',
    },
    reasoning: { effort: 'high', summary: null },
    temperature: 1,
    topP: 0.5,
    presencePenalty: 1,
    frequencyPenalty: -1,
    topLogprobs: 2,
    maxOutputTokens: 100,
    stop: ['x'],
    seed: 7,
    serviceTier: 'default',
    promptCacheKey: 'k',
    safetyIdentifier: 's',
  };
  expect(sent([], settings)).toBe(
    `${HEAD}"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}},` +
      '{"type":"function","function":{"name":"g"}}],' +
      '"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}},' +
      '"parallel_tool_calls":true,' +
      '"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}},' +
      '"verbosity":"low","reasoning_effort":"high","temperature":1,"top_p":0.5,"presence_penalty":1,"frequency_penalty":-1,' +
      '"logprobs":true,"top_logprobs":2,"max_completion_tokens":100,"stop":["x"],"seed":7,"service_tier":"default",' +
      '"prompt_cache_key":"k","safety_identifier":"s","messages":[]}',
  );
});

test('custom tools, their calls and outputs; log probabilities without a number', () => {
  const settings: CallSettings = {
    tools: [
      { type: 'custom', name: 'sql', description: 'd', format: { type: 'grammar', syntax: 'lark', definition: 'g' } },
      { type: 'custom', name: 'say', format: { type: 'text' } },
    ],
    toolChoice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'custom', name: 'sql' }] },
    logprobs: true,
    promptCacheOptions: { ttl: '12h' },
    promptCacheRetention: 'in_memory',
  };
  const custom: LoggedItem = {
    type: 'custom_tool_call',
    id: 'ctc_a',
    status: 'completed',
    call_id: 'a',
    name: 'sql',
    input: 'x',
  };
  const shell: LoggedItem = {
    type: 'shell_call',
    id: 'sh_b',
    status: 'completed',
    call_id: 'b',
    action: { commands: [] },
  };
  const answers: LoggedItem[] = [
    { type: 'custom_tool_call_output', id: 'ctco_a', status: 'completed', call_id: 'a', output: 'row' },
    { type: 'shell_call_output', id: 'sho_b', status: 'completed', call_id: 'b', output: [] },
  ];
  // The calls join the assistant's message, also from another run.
  expect(sent([run(assistant), run(custom, shell), run(...answers)], settings)).toBe(
    `${HEAD}"tools":[{"type":"custom","custom":{"name":"sql","description":"d","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"g"}}}},` +
      '{"type":"custom","custom":{"name":"say","format":{"type":"text"}}}],' +
      '"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"custom","custom":{"name":"sql"}}]}},' +
      '"logprobs":true,"prompt_cache_options":{"ttl":"12h"},"prompt_cache_retention":"in_memory","messages":[' +
      '{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"a","type":"custom","custom":{"name":"sql","input":"x"}},' +
      '{"id":"b","type":"function","function":{"name":"shell","arguments":"{\\"commands\\":[]}"}}]},' +
      '{"role":"tool","tool_call_id":"a","content":"row"},{"role":"tool","tool_call_id":"b","content":"[]"}]}',
  );
});

test.each([
  ['auto', '"tool_choice":"auto"'],
  [{ type: 'custom', name: 'c' }, '"tool_choice":{"type":"custom","custom":{"name":"c"}}'],
  [{ type: 'allowed_tools', mode: 'none', tools: [] }, '"tool_choice":"none"'],
  [{ type: 'function', name: 'f' }, '"tool_choice":{"type":"function","function":{"name":"f"}}'],
])('tool choice %j', (toolChoice, expected) => {
  const tools = [
    { type: 'function' as const, name: 'f', description: null, parameters: null, strict: null },
    { type: 'custom' as const, name: 'c', format: { type: 'text' as const } },
  ];
  expect(sent([], { tools, toolChoice })).toContain(expected);
});

test.each([[undefined], [[]]])('without tools (%j) nothing is said of tools: upstreams refuse it', tools => {
  const settings = { ...(tools !== undefined && { tools }), toolChoice: 'auto', parallelToolCalls: true };
  expect(sent([], settings)).toBe(`${HEAD}"messages":[]}`);
});

test.each([
  [{ format: { type: 'text' } }, ''],
  [{ format: { type: 'json_object' } }, '"response_format":{"type":"json_object"},'],
])('text %j', (text, expected) => {
  expect(sent([], { text })).toBe(`${HEAD}${expected}"messages":[]}`);
});

test.each([
  [{ type: 'compaction', id: 'c', encrypted_content: 'x' }],
  [message('user', { type: 'input_file', file_url: 'https://example.com/a' })],
  [{ ...output('a'), output: [{ type: 'input_file', file_url: 'https://example.com/a' }] }],
])('%j cannot be said, and is refused before anything is sent', item => {
  expect(() => sent([run(item)])).toThrow(
    expect.objectContaining({ providerError: 'upstream_invalid_request', param: 'input' }),
  );
});

test('the estimate does not fail for what cannot be sent', () => {
  expect(
    estimateRequest([run({ type: 'compaction', id: 'c', encrypted_content: 'x'.repeat(3000) })], {}),
  ).toBeGreaterThan(1000);
});
