import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { parseCompactResponse, parseCountInput } from './compaction.ts';
import { parseCreateResponse } from './request-schema.ts';

const entries = (count: number) => Array.from({ length: count }, () => ({ type: 'compaction' }));
const trigger = { type: 'compaction_trigger' };
const faultOf = (parsed: { ok: true } | { ok: false; error: { code: string; param: string | null } }) =>
  parsed.ok ? null : [parsed.error.code, parsed.error.param];

test('L12: the normalised form of what a request says about its context', () => {
  const parsed = parseCreateResponse({
    model: 'm',
    input: ['x', trigger].map(one => (one === 'x' ? { role: 'user', content: 'x' } : one)),
    context_management: [
      { type: 'compaction', compact_threshold: 1000 },
      { type: 'compaction', compact_threshold: null },
    ],
  });
  expect(parsed).toMatchObject({
    ok: true,
    value: {
      input: [{ type: 'message', role: 'user' }],
      compaction_trigger: true,
      context_management: [{ type: 'compaction', compact_threshold: 1000 }, { type: 'compaction' }],
    },
  });
  expect(parsed.ok && parsed.value.input).toHaveLength(1);
  const without = parseCreateResponse({ model: 'm', input: 'x', context_management: null });
  expect(without.ok && 'compaction_trigger' in without.value).toBe(false);
});

test.each([
  [{ input: [trigger, { role: 'user', content: 'x' }] }, ['invalid_request', 'input[0]']],
  [{ input: [trigger, trigger] }, ['invalid_request', 'input[0]']],
  [{ input: [trigger] }, ['invalid_request', 'input']],
  [{ input: [trigger], previous_response_id: 'resp_1' }, null],
  [
    { input: 'x', context_management: [{ type: 'compaction', compact_threshold: LIMITS.minCompactTokens - 1 }] },
    ['invalid_request', 'context_management[0].compact_threshold'],
  ],
  [{ input: 'x', context_management: [{ type: 'compaction', compact_threshold: LIMITS.minCompactTokens }] }, null],
  [{ input: 'x', context_management: [{ type: 'pruning' }] }, ['unsupported_parameter', 'context_management[0].type']],
  [{ input: 'x', context_management: entries(LIMITS.contextManagement) }, null],
  [
    { input: 'x', context_management: entries(LIMITS.contextManagement + 1) },
    ['invalid_request', 'context_management'],
  ],
])('a request for a response: %j', (body, fault) => {
  expect(faultOf(parseCreateResponse({ model: 'm', ...body }))).toEqual(fault);
});

test.each([
  [{ input: 'x' }, null],
  [{ previous_response_id: 'resp_1' }, null],
  [{ input: null, previous_response_id: null }, ['invalid_request', 'input']],
  [{ input: [] }, ['invalid_request', 'input']],
  [{ input: [trigger] }, ['unsupported_content', 'input[0].type']],
  [{ input: 'x', store: 'yes' }, ['invalid_request', 'store']],
  [{ input: 'x', client_metadata: {}, prompt_cache_retention: '24h' }, null],
])('a request to compact: %j', (body, fault) => {
  expect(faultOf(parseCompactResponse({ model: 'm', ...body }))).toEqual(fault);
});

test('a request to count needs nothing, and takes what a request for a response does', () => {
  expect(parseCountInput({}, 'first')).toMatchObject({ ok: true, value: { model: 'first', input: [] } });
  expect(parseCountInput({ model: 'm', input: 'x', tools: null }, 'first')).toMatchObject({
    ok: true,
    value: { model: 'm' },
  });
  expect(faultOf(parseCountInput({ input: 7 }, 'first'))).toEqual(['invalid_request', 'input']);
  expect(faultOf(parseCountInput([], 'first'))).toEqual(['invalid_request', null]);
});
