import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseChatRequest } from '../chat/request-schema.ts';
import { isErrorCode } from '../errors.ts';
import type { Parsed } from '../parse.ts';
import { parseWhatIf } from '../perdure/placements.ts';
import { validateItem, validateRequest, validateResponse } from '../test-support/open-responses.ts';
import { parseCreateConversation, parseCreateItems, parseUpdateConversation } from './conversations.ts';
import { parseCreateResponse } from './request-schema.ts';
import { echoOfRequest, responseResource } from './resource.ts';
import type { CreateResponse } from './settings.ts';

const parsers: readonly ((body: unknown) => Parsed<unknown>)[] = [
  parseCreateResponse,
  parseChatRequest,
  parseCreateConversation,
  parseUpdateConversation,
  parseCreateItems,
  parseWhatIf,
];

const text = fc.string({ maxLength: 20 });
const id = fc.string({ minLength: 1, maxLength: 20 });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const object = (fields: { [key: string]: fc.Arbitrary<unknown> }, required: string[]): fc.Arbitrary<object> =>
  fc.record(fields, { requiredKeys: required });

const inputPart = fc.oneof(
  object({ type: fc.constant('input_text'), text }, ['type', 'text']),
  object({ type: fc.constant('input_image'), image_url: id, detail: fc.constantFrom('low', 'high', 'auto') }, [
    'type',
    'image_url',
  ]),
  object({ type: fc.constant('input_file'), filename: text, file_data: fc.base64String({ minLength: 4 }) }, [
    'type',
    'file_data',
  ]),
);
const outputPart = fc.oneof(
  fc.record({ type: fc.constant('output_text'), text, annotations: fc.constant([]) }),
  fc.record({ type: fc.constant('refusal'), refusal: text }),
);
const callId = fc.string({ minLength: 1, maxLength: 64 });
const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/);
const typed = { type: fc.constant('message'), id, status: fc.constantFrom('completed', 'incomplete') };
const item = fc.oneof(
  object({ ...typed, role: fc.constant('user'), content: fc.oneof(text, fc.array(inputPart)) }, [
    'type',
    'role',
    'content',
  ]),
  object({ ...typed, role: fc.constantFrom('system', 'developer'), content: text }, ['type', 'role', 'content']),
  object(
    {
      ...typed,
      role: fc.constant('assistant'),
      content: fc.oneof(text, fc.array(outputPart)),
      phase: fc.constantFrom('commentary', 'final_answer'),
    },
    ['type', 'role', 'content'],
  ),
  object({ id, type: fc.constant('function_call'), call_id: callId, name, arguments: text }, [
    'type',
    'call_id',
    'name',
    'arguments',
  ]),
  object(
    { id, type: fc.constant('function_call_output'), call_id: callId, output: fc.oneof(text, fc.array(inputPart)) },
    ['type', 'call_id', 'output'],
  ),
  object(
    {
      id,
      type: fc.constant('reasoning'),
      summary: fc.array(fc.record({ type: fc.constant('summary_text'), text })),
      encrypted_content: id,
    },
    ['type', 'summary'],
  ),
  object({ id, type: fc.constant('custom_tool_call'), call_id: callId, name, input: text }, [
    'type',
    'call_id',
    'name',
    'input',
  ]),
  object(
    { id, type: fc.constant('custom_tool_call_output'), call_id: callId, output: fc.oneof(text, fc.array(inputPart)) },
    ['type', 'call_id', 'output'],
  ),
  object({ id, type: fc.constant('compaction'), encrypted_content: text }, ['type', 'encrypted_content']),
  object({ type: fc.constant('item_reference'), id }, ['type', 'id']),
);

/** Requests that are valid by construction, over every field. */
const request = fc.record(
  {
    model: id,
    input: fc.oneof(text, fc.array(item, { minLength: 1, maxLength: 6 })),
    instructions: text,
    previous_response_id: id,
    tools: fc.uniqueArray(
      fc.record(
        {
          type: fc.constant('function' as const),
          name,
          description: text,
          parameters: fc.dictionary(text, fc.jsonValue({ maxDepth: 3 })),
          strict: fc.boolean(),
        },
        { requiredKeys: ['type', 'name'] },
      ),
      { selector: tool => tool.name, maxLength: 4 },
    ),
    tool_choice: fc.constantFrom('none', 'auto'),
    parallel_tool_calls: fc.boolean(),
    max_tool_calls: fc.integer({ min: 1, max: 9 }),
    max_output_tokens: fc.integer({ min: 16, max: 1000 }),
    text: fc.constantFrom(
      { format: { type: 'text' } },
      { verbosity: 'low' },
      { format: { type: 'json_schema', name: 'n', schema: {} } },
    ),
    reasoning: fc.constantFrom({ effort: 'low' }, { summary: 'auto' }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    top_p: fc.double({ min: 0, max: 1, noNaN: true }),
    presence_penalty: fc.double({ min: -2, max: 2, noNaN: true }),
    top_logprobs: fc.integer({ min: 0, max: 20 }),
    truncation: fc.constantFrom('auto', 'disabled'),
    service_tier: fc.constantFrom('auto', 'flex'),
    metadata: fc.dictionary(fc.string({ maxLength: 64 }), fc.string({ maxLength: 30 }), { maxKeys: 16 }),
    store: fc.boolean(),
    stream: fc.boolean(),
    safety_identifier: text,
    prompt_cache_key: text,
  },
  { requiredKeys: ['model', 'input'] },
);

/** As it comes off the wire: JSON has no -0 and no undefined. */
const wired = request.map((body): typeof body => JSON.parse(JSON.stringify(body)));

function read(body: unknown): CreateResponse {
  const parsed = parseCreateResponse(body);
  if (!parsed.ok) throw new Error(`${parsed.error.message} ${JSON.stringify(body)}`);
  return parsed.value;
}

it('never throws, whatever JSON comes, and names a code of the catalogue', () => {
  const close = fc.letrec(tie => ({
    // Close to valid bodies: real field names, wrong values at any depth.
    value: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue({ maxDepth: 2 }),
      tie('object'),
      fc.array(tie('value'), { maxLength: 4 }),
    ),
    object: fc.dictionary(
      fc.constantFrom(
        ...'model input type role content text id call_id output tools name format json_schema messages items'.split(
          ' ',
        ),
        ...'tool_calls function metadata reading as_of sessions conversation file_id image_url __proto__'.split(' '),
      ),
      fc.oneof(tie('value'), fc.constantFrom('message', 'function', 'user', 'assistant', 'tool', 'input_text')),
      { maxKeys: 6 },
    ),
  }));
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), close.value, close.object), body => {
      for (const parse of parsers) {
        const parsed = parse(body);
        if (parsed.ok) accepted += 1;
        else {
          expect(isErrorCode(parsed.error.code)).toBe(true);
          expect(parsed.error.message.length).toBeLessThan(600);
        }
      }
    }),
    { numRuns: 2_000 },
  );
  expect(accepted).toBeGreaterThan(0);
});

it('reads every valid request, and what it yields is a fixed point', () => {
  fc.assert(
    fc.property(wired, body => {
      const once = read(body);
      // Through JSON, as a second server would get it.
      expect(read(JSON.parse(JSON.stringify(once)))).toEqual(once);
    }),
    { numRuns: 500 },
  );
});

const isBeyond = (one: unknown): boolean => (one as { type?: string }).type?.startsWith('custom_tool_call') === true;

it('takes what Open Responses takes, and yields items and echoes that it accepts', () => {
  fc.assert(
    fc.property(wired, maybe(id), (body, conversation) => {
      // What OpenAI has beyond Open Responses is no request of it.
      const beyond = typeof body.input !== 'string' && body.input.some(isBeyond);
      if (!beyond) expect(validateRequest(body)).toEqual([]);
      const value = read({
        ...body,
        ...(body.previous_response_id === undefined && conversation !== undefined && { conversation }),
      });
      for (const [index, given] of value.input.entries()) {
        if (given.type !== 'item_reference') expect(validateItem({ id: `item_${index}`, ...given })).toEqual([]);
      }
      const made = responseResource({ ...echoOfRequest(value), id: 'resp_1', created_at: 1, status: 'queued' });
      expect(validateResponse(JSON.parse(JSON.stringify(made)))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

it('reads each field the same with and without nulls beside it', () => {
  fc.assert(
    fc.property(wired, body => {
      const nulls = { instructions: null, tools: null, reasoning: null, metadata: null, include: null, prompt: null };
      expect(read({ ...nulls, ...body })).toEqual(read(body));
    }),
    { numRuns: 200 },
  );
});
