import { expect, it } from 'vitest';
import { streamErrorEvent, perdureError } from '../perdure-error.ts';
import {
  streamEventTypes,
  validateItem,
  validateResponse,
  validateStreamEvent,
} from '../test-support/open-responses.ts';
import type { ResponseStreamEvent } from './events.ts';
import type { ItemField } from './items.ts';
import { parseCreateResponse } from './request-schema.ts';
import { responseSchema } from './resource-schema.ts';
import { echoOfRequest, RESPONSE_PROPERTIES, responseResource, type ResponseResource } from './resource.ts';

const bare = responseResource({ id: 'resp_1', created_at: 1, status: 'in_progress', model: 'm' });
const items: readonly ItemField[] = [
  { type: 'message', id: 'm1', status: 'completed', role: 'user', content: [{ type: 'input_text', text: 'x' }] },
  {
    type: 'message',
    id: 'm2',
    status: 'completed',
    role: 'user',
    content: [
      { type: 'input_image', image_url: 'https://example.test/x.png', detail: 'auto' },
      { type: 'input_file', filename: 'x', file_data: 'eA==' },
    ],
  },
  {
    type: 'message',
    id: 'm3',
    status: 'incomplete',
    role: 'assistant',
    phase: 'commentary',
    content: [
      { type: 'output_text', text: 'x', annotations: [] },
      { type: 'refusal', refusal: 'no' },
    ],
  },
  { type: 'function_call', id: 'f1', call_id: 'c1', name: 'f', arguments: '{}', status: 'completed' },
  { type: 'function_call_output', id: 'o1', call_id: 'c1', output: 'x', status: 'completed' },
  { type: 'custom_tool_call', id: 'f2', call_id: 'c2', name: 'g', input: 'x', status: 'completed' },
  { type: 'custom_tool_call_output', id: 'o2', call_id: 'c2', output: 'x', status: 'completed' },
  { type: 'shell_call', id: 'f3', call_id: 'c3', action: { commands: [] }, status: 'completed' },
  { type: 'shell_call_output', id: 'o3', call_id: 'c3', output: [], max_output_length: 1, status: 'completed' },
  { type: 'apply_patch_call', id: 'f4', call_id: 'c4', operation: {}, status: 'incomplete' },
  { type: 'apply_patch_call_output', id: 'o4', call_id: 'c4', status: 'failed' },
  { type: 'local_shell_call', id: 'f5', call_id: 'c5', action: {}, status: 'completed' },
  { type: 'local_shell_call_output', id: 'o5', call_id: 'c5', output: 'x', status: 'completed' },
  {
    type: 'reasoning',
    id: 'r1',
    summary: [{ type: 'summary_text', text: 's' }],
    content: [{ type: 'reasoning_text', text: 't' }],
    status: 'completed',
  },
  { type: 'compaction', id: 'k1', encrypted_content: 'e', status: 'completed' },
];

it('has all 31 properties of Open Responses in a bare snapshot', () => {
  expect(RESPONSE_PROPERTIES).toHaveLength(31);
  expect(validateResponse(bare)).toEqual([]);
  expect(Object.keys(bare).sort()).toEqual([...RESPONSE_PROPERTIES].sort());
});

it('is null exactly where it may be', () => {
  const nulls = Object.entries(bare).flatMap(([name, value]) => (value === null ? [name] : []));
  expect(nulls.sort()).toEqual(
    [
      'completed_at incomplete_details previous_response_id instructions error reasoning usage',
      'max_output_tokens max_tool_calls safety_identifier prompt_cache_key',
    ]
      .flatMap(line => line.split(' '))
      .sort(),
  );
});

it('has a validator that misses nothing', () => {
  for (const name of RESPONSE_PROPERTIES) {
    const { [name]: _gone, ...rest } = bare;
    expect(validateResponse(rest), name).not.toEqual([]);
  }
  expect(validateResponse({ ...bare, status: 7 })).not.toEqual([]);
  expect(validateItem({ type: 'message', id: 'm', role: 'user', content: [] })).not.toEqual([]);
  expect(validateItem({ type: 'custom_tool_call', id: 'f', call_id: 'c', name: 'g', status: 'completed' })).not.toEqual(
    [],
  );
  expect(validateStreamEvent({ type: 'response.made_up', sequence_number: 0 })).not.toEqual([]);
});

it('serves items that are valid, alone and in an output', () => {
  for (const item of items) expect(validateItem(item), item.type).toEqual([]);
  expect(validateResponse({ ...bare, output: items })).toEqual([]);
});

it('repeats what the request asked for, and leaves out tools that were skipped', () => {
  const parsed = parseCreateResponse({
    model: 'm',
    input: 'x',
    instructions: 'be brief',
    tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }],
    tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
    text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' } } },
    reasoning: { effort: 'minimal' },
    temperature: 0.5,
    max_output_tokens: 16,
    metadata: { a: 'b' },
    conversation: 'conv_1',
    include: ['reasoning.encrypted_content'],
    stream: true,
    user: 'u',
  });
  if (!parsed.ok) throw parsed.error;
  const made = responseResource({ ...echoOfRequest(parsed.value), id: 'resp_1', created_at: 1, status: 'queued' });
  expect(validateResponse(made)).toEqual([]);
  expect(made).toMatchObject({
    instructions: 'be brief',
    tools: [{ type: 'function', name: 'f', description: null, parameters: null, strict: null }],
    temperature: 0.5,
    max_output_tokens: 16,
    reasoning: { effort: 'minimal', summary: null },
    metadata: { a: 'b' },
    conversation: { id: 'conv_1' },
  });
  expect(made.user).toBe('u');
  expect(Object.keys(made)).toHaveLength(33);
});

it('has a schema of its own that agrees', () => {
  const full: ResponseResource = { ...bare, output: items };
  expect(responseSchema.parse(full)).toEqual(full);
  expect(responseSchema.safeParse({ ...full, usage: undefined }).success).toBe(false);
});

it('has an event of every type that Open Responses has, and of what OpenAI has beyond, each valid', () => {
  const at = { sequence_number: 3, item_id: 'm1', output_index: 0 };
  const part = { ...at, content_index: 0 };
  const summary = { ...at, summary_index: 0 };
  const item: ItemField = { type: 'message', id: 'm1', status: 'in_progress', role: 'assistant', content: [] };
  const text = { type: 'output_text', text: '', annotations: [] } as const;
  const note = { type: 'summary_text', text: '' } as const;
  const citation = { type: 'url_citation', url: 'u', title: 't', start_index: 0, end_index: 1 } as const;
  const lifecycle = (
    [
      'response.created',
      'response.queued',
      'response.in_progress',
      'response.completed',
      'response.failed',
      'response.incomplete',
    ] as const
  ).map(type => ({ type, sequence_number: 0, response: bare }));
  const events: readonly ResponseStreamEvent[] = [
    ...lifecycle,
    { type: 'response.output_item.added', sequence_number: 1, output_index: 0, item },
    { type: 'response.output_item.done', sequence_number: 1, output_index: 0, item },
    { type: 'response.content_part.added', ...part, part: text },
    { type: 'response.content_part.done', ...part, part: text },
    { type: 'response.output_text.delta', ...part, delta: 'x', logprobs: [] },
    { type: 'response.output_text.done', ...part, text: 'x', logprobs: [] },
    { type: 'response.output_text.annotation.added', ...part, annotation_index: 0, annotation: citation },
    { type: 'response.refusal.delta', ...part, delta: 'x' },
    { type: 'response.refusal.done', ...part, refusal: 'x' },
    { type: 'response.reasoning.delta', ...part, delta: 'x' },
    { type: 'response.reasoning.done', ...part, text: 'x' },
    { type: 'response.reasoning_summary_part.added', ...summary, part: note },
    { type: 'response.reasoning_summary_part.done', ...summary, part: note },
    { type: 'response.reasoning_summary_text.delta', ...summary, delta: 'x' },
    { type: 'response.reasoning_summary_text.done', ...summary, text: 'x' },
    { type: 'response.function_call_arguments.delta', ...at, delta: '{' },
    { type: 'response.function_call_arguments.done', ...at, arguments: '{}' },
    { type: 'response.custom_tool_call_input.delta', ...at, delta: 'x' },
    { type: 'response.custom_tool_call_input.done', ...at, input: 'x' },
    streamErrorEvent(perdureError('upstream_error'), 9),
  ];
  for (const event of events) expect(validateStreamEvent(event), event.type).toEqual([]);
  expect(events.map(event => event.type).sort()).toEqual([...streamEventTypes].sort());
});
