import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { parseChatRequest } from '../chat/request-schema.ts';
import { parseCreateResponse } from './request-schema.ts';
import type { CreateResponse } from './settings.ts';
import { offeredTools } from './namespaces.ts';
import { skippedTools } from './tool-schema.ts';

const base = { model: 'm', input: 'x' };
const grammar = { type: 'grammar', syntax: 'lark', definition: 'start: "a"' };
const custom = (more: object = {}): unknown => ({ type: 'custom', name: 'sql', ...more });
const tools = [custom({ description: 'Runs.', format: grammar }), { type: 'function', name: 'f' }];

function read(body: unknown): CreateResponse {
  const parsed = parseCreateResponse(body);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}
function fail(body: unknown): string {
  const parsed = parseCreateResponse(body);
  return parsed.ok ? 'accepted' : `${parsed.error.code} ${parsed.error.param}`;
}

describe('custom tools', () => {
  it('are read with their format, which is text if none is given', () => {
    expect(
      read({ ...base, tools: [...tools, custom({ name: 'say', description: null, format: null })] }).tools,
    ).toEqual([
      { type: 'custom', name: 'sql', description: 'Runs.', format: grammar },
      { type: 'function', name: 'f', description: null, parameters: null, strict: null },
      { type: 'custom', name: 'say', format: { type: 'text' } },
    ]);
  });

  it.each([
    [{ tools: [custom({ name: 'has space' })] }, 'invalid_request tools[0].name'],
    [{ tools: [custom({ format: { type: 'xml' } })] }, 'unsupported_parameter tools[0].format.type'],
    [{ tools: [custom({ format: { ...grammar, syntax: 'bnf' } })] }, 'invalid_request tools[0].format.syntax'],
    [{ tools: [custom({ format: { ...grammar, definition: '' } })] }, 'invalid_request tools[0].format.definition'],
    [{ tools: [custom(), { type: 'function', name: 'sql' }] }, 'invalid_request tools[1].name'],
    [{ tools, tool_choice: { type: 'custom', name: 'f' } }, 'invalid_request tool_choice'],
    [{ tools, tool_choice: { type: 'function', name: 'sql' } }, 'invalid_request tool_choice'],
    [{ tools, tool_choice: { type: 'custom', name: 'sql' } }, 'accepted'],
    [{ tools, tool_choice: { type: 'web_search_preview' } }, 'unsupported_parameter tool_choice.type'],
  ])('%j', (more, expected) => {
    expect(fail({ ...base, ...more })).toBe(expected);
  });

  it('have bounds', () => {
    const of = (definition: string): unknown => ({ ...base, tools: [custom({ format: { ...grammar, definition } })] });
    expect(fail(of('g'.repeat(LIMITS.grammarChars)))).toBe('accepted');
    expect(fail(of('g'.repeat(LIMITS.grammarChars + 1)))).toBe('invalid_request tools[0].format.definition');
  });
});

describe('namespaces', () => {
  const fn = (name: string): unknown => ({ type: 'function', name });
  const space = (name: string, ...within: unknown[]): unknown => ({ type: 'namespace', name, tools: within });
  const many = (count: number): unknown[] => Array.from({ length: count }, (_, at) => fn(`f${at}`));
  const most = LIMITS.tools;

  it('are read with their tools, without those that are skipped', () => {
    const given = read({ ...base, tools: [space('crm', ...tools, { type: 'web_search' }), space('none')] });
    const offered = offeredTools(given.tools);
    const [sql, f] = read({ ...base, tools }).tools;
    expect(offered).toEqual([{ type: 'namespace', name: 'crm', description: '', tools: [sql, f] }]);
    expect(skippedTools(given.tools)).toEqual(['web_search', 'namespace']);
  });

  it('are told where none of their tools is left, whether none was given or all were skipped', () => {
    const told = (...given: unknown[]): readonly string[] => skippedTools(read({ ...base, tools: given }).tools);
    expect(told(space('a'))).toEqual(['namespace']);
    expect(told(space('a', { type: 'web_search' }), space('b'))).toEqual(['web_search', 'namespace']);
    expect(told(space('a', fn('f')))).toEqual([]);
    expect(told(space('a', fn('f'), { type: 'web_search' }))).toEqual(['web_search']);
    expect(told()).toEqual([]);
  });

  it.each([
    [{ tools: [space('a', fn('f')), fn('f'), space('b', fn('f'))] }, 'accepted'],
    [{ tools: [space('a', fn('f'), fn('f'))] }, 'invalid_request tools[0].tools[1].name'],
    [{ tools: [space('a', fn('f')), space('a', fn('g'))] }, 'invalid_request tools[1].name'],
    [{ tools: [space('a b', fn('f'))] }, 'invalid_request tools[0].name'],
    [{ tools: [space('a', fn('has space'))] }, 'invalid_request tools[0].tools[0].name'],
    [{ tools: [{ type: 'namespace', name: 'a' }] }, 'invalid_request tools[0].tools'],
    [{ tools: [space('a', space('b'))] }, 'unsupported_parameter tools[0].tools[0].type'],
    [{ tools: [space('a')], tool_choice: 'required' }, 'unsupported_parameter tool_choice'],
    [{ tools: [space('a', fn('f'))], tool_choice: 'required' }, 'accepted'],
    [{ tools: [space('a', fn('f'))], tool_choice: { type: 'function', name: 'f' } }, 'invalid_request tool_choice'],
    [{ tools: [space('a', fn('f'))], tool_choice: { type: 'function', name: 'a.f' } }, 'accepted'],
    [{ tools: [space('a', fn('f'))], tool_choice: { type: 'custom', name: 'a.f' } }, 'invalid_request tool_choice'],
    [
      { tools: [space('a', fn('f'))], tool_choice: { type: 'function', name: 'a.f', namespace: 'a' } },
      'mutually_exclusive_parameters tool_choice.namespace',
    ],
    [{ tools: [space('a', ...many(most))] }, 'accepted'],
    [{ tools: [space('a', ...many(most + 1))] }, 'invalid_request tools[0].tools'],
    [{ tools: [space('a', ...many(most - 2)), space('b', fn('f')), fn('g')] }, 'accepted'],
    [{ tools: [space('a', ...many(most - 2)), space('b', fn('f'), fn('h')), fn('g')] }, 'invalid_request tools'],
  ])('%j', (more, expected) => {
    expect(fail({ ...base, ...more })).toBe(expected);
  });

  it('may be allowed as a whole', () => {
    const allow = (name: string): unknown => ({ type: 'allowed_tools', tools: [{ type: 'namespace', name }] });
    expect(fail({ ...base, tools: [space('a', fn('f'))], tool_choice: allow('a') })).toBe('accepted');
    expect(fail({ ...base, tools: [space('a', fn('f'))], tool_choice: allow('b') })).toBe(
      'invalid_request tool_choice',
    );
  });

  it('are kept on calls', () => {
    const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}', namespace: 'crm' };
    const custom = { type: 'custom_tool_call', call_id: 'd', name: 'g', input: '', namespace: 'crm' };
    const status = 'completed';
    expect(read({ ...base, input: [call, custom] }).input).toEqual([
      { ...call, status },
      { ...custom, status },
    ]);
    expect(read({ ...base, input: [{ ...call, namespace: null }] }).input[0]).not.toHaveProperty('namespace');
  });
});

describe('what is skipped', () => {
  const hosted = [{ type: 'web_search' }, { type: 'file_search' }, { type: 'tool_search' }];

  it('is told by kind, each once, in words that fit a header', () => {
    const given = read({ ...base, tools: [...hosted, { type: 'web_search' }, { type: 'a\r\nb' }, ...tools] });
    expect(skippedTools(given.tools)).toEqual(['web_search', 'file_search', 'tool_search', 'other']);
    expect(skippedTools(read({ ...base, tools }).tools)).toEqual([]);
  });

  it('is skipped in a choice too; nothing is required that is not there', () => {
    const allowed = (mode: string, of: unknown[]): unknown => ({
      ...base,
      tools: [...hosted, ...tools],
      tool_choice: { type: 'allowed_tools', mode, tools: of },
    });
    const both = [{ type: 'web_search' }, { type: 'custom', name: 'sql' }];
    expect(read(allowed('required', both)).tool_choice).toEqual({
      type: 'allowed_tools',
      mode: 'required',
      tools: [{ type: 'custom', name: 'sql' }],
    });
    expect(read(allowed('auto', [{ type: 'mcp', server_label: 's', name: 'x' }])).tool_choice).toBe('none');
    expect(fail(allowed('required', [{ type: 'web_search' }]))).toBe('unsupported_parameter tool_choice.tools');
    expect(fail({ ...base, tools: hosted, tool_choice: 'required' })).toBe('unsupported_parameter tool_choice');
    expect(fail({ ...base, tools: [], tool_choice: 'required' })).toBe('invalid_request tool_choice');
  });
});

describe('settings of current clients', () => {
  it('are read', () => {
    const reasoning = { effort: 'high', generate_summary: 'concise', context: 'all_turns', mode: 'pro' };
    const given = read({
      ...base,
      reasoning,
      service_tier: 'fast',
      prompt_cache_options: { mode: 'explicit', ttl: '30m', prewarm: true },
      prompt_cache_retention: 'in_memory',
      include: ['message.input_image.image_url', 'web_search_call.results', 'reasoning.encrypted_content'],
      stream_options: { include_obfuscation: true },
      access_programs: { cyber: 'standard' },
    });
    expect(given).toMatchObject({
      reasoning: { effort: 'high', summary: 'concise', context: 'all_turns', mode: 'pro' },
      service_tier: 'fast',
      prompt_cache_options: { mode: 'explicit', ttl: '30m' },
      prompt_cache_retention: 'in_memory',
      include: ['message.input_image.image_url', 'reasoning.encrypted_content'],
      stream_options: { include_obfuscation: true },
    });
    expect(given.prompt_cache_options).not.toHaveProperty('prewarm');
    expect(read({ ...base, stream_options: {} }).stream_options).toEqual({ include_obfuscation: false });
  });

  it.each([
    [{ moderation: { model: 'm' } }, 'unsupported_parameter moderation'],
    [{ service_tier: 'slow' }, 'invalid_request service_tier'],
    [{ prompt_cache_retention: '1y' }, 'invalid_request prompt_cache_retention'],
    [{ prompt_cache_options: { ttl: '1y' } }, 'invalid_request prompt_cache_options.ttl'],
    [{ reasoning: { context: 'none' } }, 'invalid_request reasoning.context'],
    [{ reasoning: { mode: 'm'.repeat(LIMITS.modeChars) } }, 'accepted'],
    [{ reasoning: { mode: 'm'.repeat(LIMITS.modeChars + 1) } }, 'invalid_request reasoning.mode'],
  ])('%j', (more, expected) => {
    expect(fail({ ...base, ...more })).toBe(expected);
  });
});

describe('items of calls', () => {
  const of = (...input: unknown[]): unknown => ({ model: 'm', input });

  it('are read in full form', () => {
    const { input } = read(
      of(
        { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c1', name: 'sql', input: 'select 1', caller: null },
        { type: 'custom_tool_call_output', call_id: 'c1', output: [{ type: 'input_text', text: '1' }] },
        {
          type: 'local_shell_call',
          id: 'l1',
          call_id: 'c2',
          action: { type: 'exec', command: ['ls'] },
          status: 'completed',
        },
        { type: 'local_shell_call_output', id: 'c2', output: 'a' },
        { type: 'shell_call', call_id: 'c3', action: { commands: ['ls'] }, environment: null },
        { type: 'shell_call_output', call_id: 'c3', output: [{ stdout: 'a' }], max_output_length: 5 },
        { type: 'apply_patch_call', call_id: 'c4', operation: { type: 'delete_file', path: 'a' }, status: 'completed' },
        { type: 'apply_patch_call_output', call_id: 'c4', status: 'failed', output: null },
      ),
    );
    expect(input).toEqual([
      { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c1', name: 'sql', input: 'select 1', status: 'completed' },
      {
        type: 'custom_tool_call_output',
        call_id: 'c1',
        output: [{ type: 'input_text', text: '1' }],
        status: 'completed',
      },
      {
        type: 'local_shell_call',
        id: 'l1',
        call_id: 'c2',
        action: { type: 'exec', command: ['ls'] },
        status: 'completed',
      },
      { type: 'local_shell_call_output', id: 'c2', call_id: 'c2', output: 'a', status: 'completed' },
      { type: 'shell_call', call_id: 'c3', action: { commands: ['ls'] }, status: 'completed' },
      {
        type: 'shell_call_output',
        call_id: 'c3',
        output: [{ stdout: 'a' }],
        max_output_length: 5,
        status: 'completed',
      },
      { type: 'apply_patch_call', call_id: 'c4', operation: { type: 'delete_file', path: 'a' }, status: 'completed' },
      { type: 'apply_patch_call_output', call_id: 'c4', status: 'failed' },
    ]);
  });

  const long = 'c'.repeat(LIMITS.callIdChars + 1);
  it.each([
    [{ type: 'custom_tool_call', call_id: 'c'.repeat(LIMITS.callIdChars), name: 'f', input: '' }, 'accepted'],
    [{ type: 'custom_tool_call', call_id: long, name: 'f', input: '' }, 'invalid_request input[0].call_id'],
    [{ type: 'custom_tool_call', call_id: 'c', name: 'f' }, 'invalid_request input[0].input'],
    [{ type: 'custom_tool_call_output', call_id: 'c', output: 1 }, 'invalid_request input[0].output'],
    [{ type: 'local_shell_call_output', output: 'x' }, 'invalid_request input[0].call_id'],
    [{ type: 'local_shell_call_output', id: long, output: 'x' }, 'invalid_request input[0].call_id'],
    [{ type: 'shell_call', call_id: 'c', action: 'ls' }, 'invalid_request input[0].action'],
    [{ type: 'shell_call_output', call_id: 'c', output: 'x' }, 'invalid_request input[0].output'],
    [{ type: 'computer_call', call_id: 'c' }, 'unsupported_content input[0].type'],
  ])('%j', (item, expected) => {
    expect(fail(of(item))).toBe(expected);
  });

  it('has a bound on the entries of a shell output', () => {
    const output = (count: number): unknown =>
      of({ type: 'shell_call_output', call_id: 'c', output: Array.from({ length: count }, () => ({})) });
    expect(fail(output(LIMITS.contentParts))).toBe('accepted');
    expect(fail(output(LIMITS.contentParts + 1))).toBe('invalid_request input[0].output');
  });
});

describe('chat', () => {
  const chat = (more: object): string => {
    const parsed = parseChatRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }], ...more });
    return parsed.ok
      ? JSON.stringify([parsed.value.tools, parsed.value.tool_choice])
      : `${parsed.error.code} ${parsed.error.param}`;
  };
  const wrapped = {
    type: 'custom',
    custom: { name: 'sql', format: { type: 'grammar', grammar: { syntax: 'regex', definition: 'a' } } },
  };

  it('unwraps custom tools and their choice', () => {
    expect(chat({ tools: [wrapped], tool_choice: { type: 'custom', custom: { name: 'sql' } } })).toBe(
      '[[{"type":"custom","name":"sql","format":{"type":"grammar","syntax":"regex","definition":"a"}}],{"type":"custom","name":"sql"}]',
    );
    const allowed_tools = { mode: 'required', tools: [{ type: 'custom', custom: { name: 'sql' } }] };
    expect(chat({ tools: [wrapped], tool_choice: { type: 'allowed_tools', allowed_tools } })).toContain(
      '{"type":"allowed_tools","mode":"required","tools":[{"type":"custom","name":"sql"}]}',
    );
  });

  it.each([
    [{ moderation: { model: 'm' } }, 'unsupported_parameter moderation'],
    [{ audio: { voice: 'x', format: 'wav' } }, 'unsupported_parameter audio'],
    [{ functions: [] }, 'unsupported_parameter functions'],
    [{ web_search_options: {} }, 'unsupported_parameter web_search_options'],
    [{ n: 9 }, 'invalid_request n'],
    [{ prediction: 'x' }, 'invalid_request prediction'],
    [{ prediction: { type: 'content', content: 'x' } }, '[[],null]'],
    [{ tool_choice: { type: 'custom', custom: { name: 'no' } } }, 'invalid_request tool_choice'],
    [
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
      'unsupported_content messages[0].content[0].type',
    ],
  ])('%j', (more, expected) => {
    expect(chat(more)).toBe(expected);
  });
});
