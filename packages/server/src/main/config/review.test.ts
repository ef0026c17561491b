import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { ReviewModel } from '../../engine/review/review-call.ts';
import { parseConfig } from './load.ts';

const TARGET = `targets: [{id: a, vendor: v, model: judge, cloud: local, region: here, base_url: 'http://127.0.0.1:1'}]\n`;
const parse = (more: string): ReviewModel | null =>
  parseConfig(`${TARGET}${more}`, { file: 'perdure.yaml', env: {}, base: tmpdir() }).config.review;

test('nobody reviews, unless a model is named; its bounds have defaults', () => {
  expect(parse('')).toBeNull();
  expect(parse('review: {model: judge}\n')).toEqual({
    model: 'judge',
    instructions: null,
    maxOutputTokens: 300,
    timeoutMs: 30_000,
  });
  expect(parse('review: {model: judge, instructions: Be strict., max_output_tokens: 16, timeout_ms: 100}\n')).toEqual({
    model: 'judge',
    instructions: 'Be strict.',
    maxOutputTokens: 16,
    timeoutMs: 100,
  });
});

test.each([
  ['review: {model: other}\n', 'review.model: is served by no target: other'],
  ['review: {}\n', 'review.model'],
  ['review: {model: judge, max_output_tokens: 15}\n', 'review.max_output_tokens'],
  ['review: {model: judge, max_output_tokens: 8193}\n', 'review.max_output_tokens'],
  ['review: {model: judge, timeout_ms: 99}\n', 'review.timeout_ms'],
  ['review: {model: judge, timeout_ms: 110001}\n', 'review.timeout_ms'],
])('what cannot be is said where it stands: %s', (text, problem) => {
  expect(() => parse(text)).toThrow(problem);
});
