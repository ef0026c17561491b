import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { parseAnswerRight, parseOfferRight } from './rights.ts';

test('an offer says until when it can be answered and who says so; an answer who says so', () => {
  const offer = { deadline: '2026-05-09', source: 's' };
  expect(parseOfferRight(offer).ok).toBe(true);
  for (const field of Object.keys(offer)) expect(parseOfferRight({ ...offer, [field]: undefined }).ok).toBe(false);
  expect(parseAnswerRight({ source: 's' }).ok).toBe(true);
  expect(parseAnswerRight({}).ok).toBe(false);
  expect(parseAnswerRight({ source: 'x'.repeat(LIMITS.reasonChars) }).ok).toBe(true);
  expect(parseAnswerRight({ source: 'x'.repeat(LIMITS.reasonChars + 1) }).ok).toBe(false);
  expect(parseOfferRight({ ...offer, product: '' }).ok).toBe(false);
});
