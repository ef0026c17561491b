/** Every bound of the wire, from both sides: what is exactly at it is taken, what is one beyond is `invalid_request`. */
import { describe, expect, it } from 'vitest';
import { parseChatRequest } from './chat/request-schema.ts';
import { LIMITS } from './limits.ts';
import { parseListQuery } from './lists.ts';
import type { Parsed } from './parse.ts';
import { parseExplain } from './perdure/explain.ts';
import { parseWhatIf } from './perdure/placements.ts';
import { parseCreateItems } from './responses/conversations.ts';
import { parseCreateResponse } from './responses/request-schema.ts';

type Limit = keyof typeof LIMITS;
/** A request of which the bounded thing has the size. */
type Ask = (size: number) => Parsed<unknown>;

const many = (count: number, of: (i: number) => unknown): unknown => Array.from({ length: count }, (_, i) => of(i));
const text = (size: number): string => 'x'.repeat(size);
const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
const base = { model: 'm', input: 'hi' };
const create =
  (more: (size: number) => object): Ask =>
  size =>
    parseCreateResponse({ ...base, ...more(size) });
const part = (of: (size: number) => object): Ask =>
  create(size => ({ input: [{ role: 'user', content: [of(size)] }] }));
const chat =
  (more: (size: number) => object): Ask =>
  size =>
    parseChatRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...more(size) });
const tool = (i: number, description = ''): object => ({
  type: 'function',
  name: `f${i}`,
  parameters: {},
  description,
});
const annotation = { type: 'x' };
const prompt = (variables: (size: number) => object): Ask => {
  const prompts = () => ({ version: '1', input: [] });
  return size => parseCreateResponse({ ...base, prompt: { id: 'p', variables: variables(size) } }, { prompts });
};

/** In pairs of a bound and its requests, so that a new bound without one does not compile. */
const ASKS: { readonly [limit in Limit]: readonly Ask[] | 'elsewhere' } = {
  bodyBytes: 'elsewhere',
  jsonDepth: [create(size => ({ extra: deep(size - 1) }))],
  // The body itself, model and input are values too.
  jsonNodes: [create(size => ({ extra: many(size - 3, () => 0) }))],
  inputItems: [create(size => ({ input: many(size, () => ({ id: 'i' })) }))],
  conversationItems: [size => parseCreateItems({ items: many(size, () => ({ role: 'user', content: 'x' })) })],
  contentParts: [
    create(size => ({ input: [{ role: 'user', content: many(size, () => ({ type: 'input_text', text: '' })) }] })),
    create(size => ({
      input: [
        { type: 'function_call_output', call_id: 'c', output: many(size, () => ({ type: 'input_text', text: '' })) },
      ],
    })),
    create(size => ({
      input: [{ type: 'reasoning', summary: many(size, () => ({ type: 'summary_text', text: '' })) }],
    })),
    chat(size => ({ messages: [{ role: 'user', content: many(size, () => ({ type: 'text', text: '' })) }] })),
  ],
  textChars: [
    create(size => ({ input: text(size) })),
    create(size => ({ instructions: text(size) })),
    part(size => ({ type: 'input_text', text: text(size) })),
    chat(size => ({ messages: [{ role: 'user', content: text(size) }] })),
  ],
  imageUrlChars: [part(size => ({ type: 'input_image', image_url: `https://a/${text(size - 10)}` }))],
  fileDataChars: [part(size => ({ type: 'input_file', filename: 'a.pdf', file_data: text(size) }))],
  urlChars: [part(size => ({ type: 'input_file', file_url: `https://a/${text(size - 10)}` }))],
  nameChars: [create(size => ({ model: text(size) })), chat(size => ({ model: text(size) }))],
  descriptionChars: [create(size => ({ tools: [tool(0, text(size))] }))],
  idChars: [
    create(size => ({ previous_response_id: text(size) })),
    create(size => ({ conversation: text(size) })),
    create(size => ({ input: [{ id: text(size) }] })),
    size => parseListQuery({ after: [text(size)] }),
  ],
  promptVariables: [prompt(size => Object.fromEntries(Array.from({ length: size }, (_, i) => [`v${i}`, 'x'])))],
  promptValueChars: [
    prompt(size => ({ v: text(size) })),
    prompt(size => ({ v: { type: 'input_text', text: text(size) } })),
  ],
  callIdChars: [create(size => ({ input: [{ type: 'function_call_output', call_id: text(size), output: '' }] }))],
  annotations: [
    create(size => ({
      input: [
        { role: 'assistant', content: [{ type: 'output_text', text: '', annotations: many(size, () => annotation) }] },
      ],
    })),
  ],
  tools: [
    create(size => ({ tools: many(size, i => tool(i)) })),
    chat(size => ({ tools: many(size, i => ({ type: 'function', function: { name: `f${i}` } })) })),
  ],
  include: [create(size => ({ include: many(size, () => 'reasoning.encrypted_content') }))],
  metadataPairs: [
    create(size => ({ metadata: Object.fromEntries(many(size, i => [`k${i}`, '']) as [string, string][]) })),
  ],
  metadataKeyChars: [create(size => ({ metadata: { [text(size)]: '' } }))],
  metadataValueChars: [create(size => ({ metadata: { k: text(size) } }))],
  keyChars: [create(size => ({ prompt_cache_key: text(size) })), chat(size => ({ prompt_cache_key: text(size) }))],
  safetyChars: [create(size => ({ safety_identifier: text(size) })), chat(size => ({ safety_identifier: text(size) }))],
  userChars: [create(size => ({ user: text(size) })), chat(size => ({ user: text(size) }))],
  minOutputTokens: 'elsewhere',
  minCompactTokens: 'elsewhere',
  contextManagement: [create(size => ({ context_management: many(size, () => ({ type: 'compaction' })) }))],
  grammarChars: [
    create(size => ({
      tools: [{ type: 'custom', name: 'g', format: { type: 'grammar', syntax: 'lark', definition: text(size) } }],
    })),
  ],
  modeChars: [create(size => ({ reasoning: { mode: text(size) } }))],
  maxOutputTokens: [
    create(size => ({ max_output_tokens: size })),
    chat(size => ({ max_tokens: size })),
    chat(size => ({ max_completion_tokens: size })),
  ],
  toolCalls: [create(size => ({ max_tool_calls: size }))],
  topLogprobs: [create(size => ({ top_logprobs: size })), chat(size => ({ logprobs: true, top_logprobs: size }))],
  chatMessages: [chat(size => ({ messages: many(size, () => ({ role: 'user', content: '' })) }))],
  choices: [chat(size => ({ n: size }))],
  logitBias: [
    chat(size => ({ logit_bias: Object.fromEntries(Array.from({ length: size }, (_, i) => [String(i), 1])) })),
  ],
  stopSequences: [chat(size => ({ stop: many(size, i => `s${i}`) }))],
  stopChars: [chat(size => ({ stop: text(size) })), chat(size => ({ stop: [text(size)] }))],
  idempotencyKeyChars: 'elsewhere',
  listLimit: [size => parseListQuery({ limit: [String(size)] })],
  listDefault: 'elsewhere',
  whatIfSessions: [size => parseWhatIf({ sessions: many(size, i => `s${i}`) })],
  explainSupposed: [
    size => parseExplain({ labels: many(size, i => `l${i}`) }),
    size => parseExplain({ events: many(size, i => ({ id: `e${i}`, date: '2026-03-01' })) }),
    size => parseExplain({ rights: many(size, i => ({ id: `r${i}`, state: 'lapsed' })) }),
  ],
  whatIfContracts: [size => parseWhatIf({ contracts: many(size, i => `c${i}`) })],
  contractFiles: 'elsewhere',
  reasonChars: 'elsewhere',
};

const codeOf = (parsed: Parsed<unknown>): string => (parsed.ok ? 'accepted' : parsed.error.code);

describe('each bound, from both sides', () => {
  const rows = Object.entries(ASKS).flatMap(([limit, asks]) =>
    asks === 'elsewhere' ? [] : asks.map((ask, i) => [`${limit} ${i + 1}`, LIMITS[limit as Limit], ask] as const),
  );
  it.each(rows)('%s: %i', (_, most, ask) => {
    expect([codeOf(ask(most)), codeOf(ask(most + 1))]).toEqual(['accepted', 'invalid_request']);
  });

  it('the least threshold of a compaction', () => {
    const ask = create(size => ({ context_management: [{ type: 'compaction', compact_threshold: size }] }));
    expect([codeOf(ask(LIMITS.minCompactTokens)), codeOf(ask(LIMITS.minCompactTokens - 1))]).toEqual([
      'accepted',
      'invalid_request',
    ]);
  });

  it('the least of output tokens', () => {
    const ask = create(size => ({ max_output_tokens: size }));
    expect([codeOf(ask(LIMITS.minOutputTokens)), codeOf(ask(LIMITS.minOutputTokens - 1))]).toEqual([
      'accepted',
      'invalid_request',
    ]);
  });

  it('a safety identifier is as long as the types of OpenAI’s client let it be', () => {
    const safety_identifier = 'x'.repeat(128);
    for (const ask of [create(() => ({ safety_identifier })), chat(() => ({ safety_identifier }))])
      expect(codeOf(ask(0))).toBe('accepted');
  });

  it('the default of a list is within its bound', () => {
    const parsed = parseListQuery({});
    expect(parsed.ok && parsed.value.limit).toBe(LIMITS.listDefault);
    expect(LIMITS.listDefault).toBeLessThanOrEqual(LIMITS.listLimit);
  });
});
