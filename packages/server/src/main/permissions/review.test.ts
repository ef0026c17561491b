import { expect, test } from 'vitest';
import type { ToolQuestion, ToolVerdict } from '../../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { Permission } from '../../tool/permission.ts';
import { type Reviewer, ruleReviewer } from './review.ts';

const QUESTION: ToolQuestion = {
  tenant: 'acme' as TenantId,
  principal: 'key_1',
  agent: { id: 'agt_1', version: 1, name: null },
  session: 'sess_1' as SessionId,
  labels: [],
  tool: { name: 't', origin: { kind: 'builtin' }, idempotent: false },
  arguments: {},
  at: 0,
};
const ASK: ToolVerdict = { verdict: 'ask', policy: 'p', reasons: [] };
const NEVER = new AbortController().signal;
const says = (verdict: 'permit' | 'deny' | null) => ({
  autoApprove: (): Permission | null => (verdict === null ? null : { verdict, policy: 'p', reasons: [], by: 'permit' }),
});
const model = (verdict: 'permit' | 'deny'): Reviewer => ({ review: async () => ({ verdict, reason: 'so' }) });

test('rules come first, then the reviewer, and without either the answer is no', async () => {
  const review = (rule: 'permit' | 'deny' | null, reviewer: Reviewer | null): Promise<string> =>
    ruleReviewer(says(rule), reviewer).review(QUESTION, ASK, NEVER);
  expect(await review('permit', model('deny'))).toBe('permit');
  expect(await review('deny', model('permit'))).toBe('deny');
  expect(await review(null, model('permit'))).toBe('permit');
  expect(await review(null, model('deny'))).toBe('deny');
  expect(await review(null, null)).toBe('deny');
});

test('where nothing can be waited for, rules alone answer', () => {
  for (const [rule, answer] of [
    ['permit', 'permit'],
    ['deny', 'deny'],
    [null, 'deny'],
  ] as const)
    expect(ruleReviewer(says(rule), model('permit')).rules(QUESTION)).toBe(answer);
});
