/** L12: the bytes that a Responses upstream is sent. */
import { describe, expect, test } from 'vitest';
import type { CallSettings, ContextRun } from '../../engine/ports.ts';
import type { LoggedItem } from '../../log/events.ts';
import { IMAGE_TOKENS } from '../estimate.ts';
import { encodeRequest, estimateRequest } from './request.ts';

const run = (...items: LoggedItem[]): ContextRun => ({ items });
const sent = (context: readonly ContextRun[], settings: CallSettings = {}, unsealed = false, whole = false) =>
  encodeRequest(context, settings, 'gpt-5.5', { unsealed, whole }).body.toString('utf8');

const user: LoggedItem = {
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role: 'user',
  content: [
    { type: 'input_text', text: 'Hé "you"' },
    { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'auto' },
    { type: 'input_file', filename: 'a.pdf', file_data: 'AAAA' },
  ],
};
const reasoning: LoggedItem = {
  type: 'reasoning',
  id: 'rs_1',
  status: 'completed',
  summary: [{ type: 'summary_text', text: 'Hm.' }],
  encrypted_content: 'c2VhbA==',
};
const assistant: LoggedItem = {
  type: 'message',
  id: 'msg_2',
  status: 'completed',
  role: 'assistant',
  content: [
    { type: 'output_text', text: 'Yes.', annotations: [], logprobs: [] },
    { type: 'refusal', refusal: 'No.' },
  ],
  phase: 'final_answer',
};
const call: LoggedItem = {
  type: 'function_call',
  id: 'fc_1',
  status: 'completed',
  call_id: 'call_1',
  name: 'f',
  arguments: '{"a":1}',
};
const output: LoggedItem = {
  type: 'function_call_output',
  id: 'fco_1',
  status: 'completed',
  call_id: 'call_1',
  output: 'done',
};

describe('bytes', () => {
  test('for an answer in one piece', () => {
    expect(sent([run(output)], { temperature: 0 }, false, true)).toBe(
      '{"model":"gpt-5.5","stream":false,"store":false,"temperature":0,"input":[' +
        '{"type":"function_call_output","call_id":"call_1","output":"done"}]}',
    );
  });

  test('the least: one message, no settings', () => {
    const context = [
      run({
        type: 'message',
        id: 'msg_1',
        status: 'completed',
        role: 'user',
        content: [{ type: 'input_text', text: 'Hi' }],
      }),
    ];
    expect(sent(context)).toBe(
      '{"model":"gpt-5.5","stream":true,"store":false,"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}]}',
    );
  });

  test('every kind of item, without our ids, statuses and nulls', () => {
    const compaction: LoggedItem = { type: 'compaction', id: 'cmp_1', status: 'completed', encrypted_content: 'eA==' };
    expect(sent([run(compaction, user), run(reasoning, assistant, call), run(output)])).toBe(
      '{"model":"gpt-5.5","stream":true,"store":false,"input":[' +
        '{"type":"compaction","encrypted_content":"eA=="},' +
        '{"type":"message","role":"user","content":[{"type":"input_text","text":"Hé \\"you\\""},' +
        '{"type":"input_image","image_url":"https://example.com/a.png","detail":"auto"},' +
        '{"type":"input_file","filename":"a.pdf","file_data":"AAAA"}]},' +
        '{"type":"reasoning","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"c2VhbA=="},' +
        '{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Yes."},{"type":"refusal","refusal":"No."}],"phase":"final_answer"},' +
        '{"type":"function_call","call_id":"call_1","name":"f","arguments":"{\\"a\\":1}"},' +
        '{"type":"function_call_output","call_id":"call_1","output":"done"}]}',
    );
  });

  test('every setting, in its order', () => {
    const settings: CallSettings = {
      instructions: 'Be brief.',
      tools: [{ type: 'function', name: 'f', description: null, parameters: { type: 'object' }, strict: true }],
      toolChoice: { type: 'function', name: 'f' },
      parallelToolCalls: false,
      text: { format: { type: 'text' } },
      reasoning: { effort: 'low' },
      temperature: 0,
      topP: 0.5,
      presencePenalty: 1,
      frequencyPenalty: -1,
      topLogprobs: 2,
      maxOutputTokens: 100,
      stop: [],
      seed: 7,
      serviceTier: 'default',
      promptCacheKey: 'k',
      safetyIdentifier: 's',
    };
    expect(sent([], settings)).toBe(
      '{"model":"gpt-5.5","stream":true,"store":false,"instructions":"Be brief.",' +
        '"tools":[{"type":"function","name":"f","description":null,"parameters":{"type":"object"},"strict":true}],' +
        '"tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false,"text":{"format":{"type":"text"}},' +
        '"reasoning":{"effort":"low"},"include":["reasoning.encrypted_content"],"temperature":0,"top_p":0.5,"presence_penalty":1,' +
        '"frequency_penalty":-1,"top_logprobs":2,"max_output_tokens":100,"service_tier":"default","prompt_cache_key":"k",' +
        '"safety_identifier":"s","input":[]}',
    );
  });

  test('no penalty is not said: it is the default, and the API knows neither name', () => {
    expect(sent([], { presencePenalty: 0, frequencyPenalty: 0 })).toBe(sent([]));
    expect(sent([], { presencePenalty: 0.1, frequencyPenalty: -0.1 })).toContain(
      '"presence_penalty":0.1,"frequency_penalty":-0.1,',
    );
  });
});

describe('custom tools and what is wanted', () => {
  test('tools, their choice, hints and include', () => {
    const settings: CallSettings = {
      tools: [
        { type: 'custom', name: 'sql', description: 'd', format: { type: 'grammar', syntax: 'lark', definition: 'g' } },
        { type: 'custom', name: 'say', format: { type: 'text' } },
      ],
      toolChoice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'custom', name: 'sql' }] },
      logprobs: true,
      sealedReasoning: true,
      promptCacheOptions: { mode: 'explicit', ttl: '30m' },
      promptCacheRetention: '24h',
    };
    expect(sent([], settings)).toBe(
      '{"model":"gpt-5.5","stream":true,"store":false,' +
        '"tools":[{"type":"custom","name":"sql","description":"d","format":{"type":"grammar","syntax":"lark","definition":"g"}},' +
        '{"type":"custom","name":"say","format":{"type":"text"}}],' +
        '"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"custom","name":"sql"}]},' +
        '"include":["reasoning.encrypted_content","message.output_text.logprobs"],' +
        '"prompt_cache_options":{"mode":"explicit","ttl":"30m"},"prompt_cache_retention":"24h","input":[]}',
    );
  });

  test('tools of which none may be called are none', () => {
    const toolChoice = { type: 'allowed_tools', mode: 'none', tools: [] };
    expect(sent([], { toolChoice })).toContain('"tool_choice":"none"');
  });

  test('calls, and shells and patches as functions', () => {
    const at = { id: 'x_1', status: 'completed' };
    const items: LoggedItem[] = [
      { type: 'custom_tool_call', ...at, call_id: 'a', name: 'sql', input: 'select "1"' },
      { type: 'custom_tool_call_output', ...at, call_id: 'a', output: [{ type: 'input_text', text: '1' }] },
      { type: 'shell_call', ...at, call_id: 'b', action: { commands: ['ls'] } },
      { type: 'shell_call_output', ...at, call_id: 'b', output: [{ stdout: 'x' }], max_output_length: 3 },
      { type: 'apply_patch_call', ...at, call_id: 'c', operation: { type: 'delete_file', path: 'p' } },
      { type: 'apply_patch_call_output', ...at, call_id: 'c', status: 'failed' },
      { type: 'local_shell_call', ...at, call_id: 'd', action: { type: 'exec' } },
      { type: 'local_shell_call_output', ...at, call_id: 'd', output: 'y' },
    ];
    expect(sent([run(...items)])).toBe(
      '{"model":"gpt-5.5","stream":true,"store":false,"input":[' +
        '{"type":"custom_tool_call","call_id":"a","name":"sql","input":"select \\"1\\""},' +
        '{"type":"custom_tool_call_output","call_id":"a","output":[{"type":"input_text","text":"1"}]},' +
        '{"type":"function_call","call_id":"b","name":"shell","arguments":"{\\"commands\\":[\\"ls\\"]}"},' +
        '{"type":"function_call_output","call_id":"b","output":"[{\\"stdout\\":\\"x\\"}]"},' +
        '{"type":"function_call","call_id":"c","name":"apply_patch","arguments":"{\\"type\\":\\"delete_file\\",\\"path\\":\\"p\\"}"},' +
        '{"type":"function_call_output","call_id":"c","output":"{\\"status\\":\\"failed\\"}"},' +
        '{"type":"function_call","call_id":"d","name":"local_shell","arguments":"{\\"type\\":\\"exec\\"}"},' +
        '{"type":"function_call_output","call_id":"d","output":"y"}]}',
    );
  });
});

describe('reasoning', () => {
  const open = { ...reasoning, content: [{ type: 'reasoning_text', text: 'Aha.' }] };

  test('goes sealed, or open if it may not be sealed, or not at all', () => {
    expect(sent([run(open)])).toContain('"encrypted_content":"c2VhbA=="');
    expect(sent([run(open)], {}, true)).toContain('"content":[{"type":"reasoning_text","text":"Aha."}]');
    expect(sent([run(reasoning)], {}, true)).toContain('"input":[]');
  });

  test('it is known whether something sealed is sent', () => {
    expect(encodeRequest([run(user, reasoning)], {}, 'm', { unsealed: false, whole: false }).sealed).toBe(true);
    expect(encodeRequest([run(user, reasoning)], {}, 'm', { unsealed: true, whole: false }).sealed).toBe(false);
    expect(encodeRequest([run(user)], {}, 'm', { unsealed: false, whole: false }).sealed).toBe(false);
  });

  test('a run of which nothing is sent leaves no comma', () => {
    const said = sent([run(reasoning), run(user), run(reasoning), run(output), run()], {}, true);
    expect((JSON.parse(said) as { input: unknown[] }).input).toHaveLength(2);
  });
});

describe('what cannot be said is refused before anything is sent', () => {
  test.each([
    [run({ type: 'web_search_call', id: 'ws_1' }), {}, 'input'],
    [run({ ...user, content: [{ type: 'input_audio' }] }), {}, 'input'],
    [run(user), { logitBias: { '7': -100 } }, 'logit_bias'],
  ] as const)('%j %j', (context, settings, param) => {
    expect(() => sent([context], settings)).toThrow(
      expect.objectContaining({ providerError: 'upstream_invalid_request', param, retryable: false }),
    );
  });
});

test('L11: a run is encoded once, whatever comes after it', () => {
  let reads = 0;
  const watched: LoggedItem = Object.defineProperty({ ...user }, 'content', {
    enumerable: true,
    get: () => {
      reads++;
      return user['content'];
    },
  });
  const first = run(watched);
  sent([first]);
  const once = reads;
  expect(once).toBeGreaterThan(0);
  sent([first, run(assistant)]);
  estimateRequest([first, run(assistant), run(user)], {});
  expect(reads).toBe(once);
});

describe('the estimate', () => {
  const image = (url: string) => run({ ...user, content: [{ type: 'input_image', image_url: url, detail: 'auto' }] });

  test('counts an image as one, however large its data', () => {
    const small = estimateRequest([image('data:image/png;base64,AAAA')], {});
    const large = estimateRequest([image(`data:image/png;base64,${'A'.repeat(100_000)}`)], {});
    expect(large).toBe(small);
    expect(small).toBeGreaterThan(IMAGE_TOKENS);
  });

  test('knows the images of an output too', () => {
    const shown = {
      ...output,
      output: [{ type: 'input_image', image_url: 'https://example.com/a.png', detail: 'low' }],
    };
    expect(estimateRequest([run(shown)], {})).toBeGreaterThan(IMAGE_TOKENS);
    expect(estimateRequest([run(output)], {})).toBeLessThan(IMAGE_TOKENS);
  });

  test('does not take an image that is only written about for one', () => {
    const quoted = run({
      ...user,
      content: [{ type: 'input_text', text: `"data:image/png;base64,${'A'.repeat(4000)}"` }],
    });
    expect(estimateRequest([quoted], {})).toBeGreaterThan(1000);
  });

  test('does not fail for what cannot be sent', () => {
    const strange = run({ type: 'web_search_call', id: 'ws_1', query: 'q'.repeat(3000) });
    expect(estimateRequest([strange, run(user)], { stop: ['x'] })).toBeGreaterThan(1000);
  });

  test('grows with the settings', () => {
    expect(estimateRequest([], { instructions: 'x'.repeat(300) })).toBeGreaterThan(estimateRequest([], {}) + 90);
  });
});
