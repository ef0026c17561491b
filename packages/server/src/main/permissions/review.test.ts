import { expect, test } from 'vitest';
import type { ToolQuestion } from '../../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { Permission } from '../../tool/permission.ts';
import { ruleReviewer } from './review.ts';

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
const says = (verdict: 'permit' | 'deny' | null) => ({
  autoApprove: (): Permission | null => (verdict === null ? null : { verdict, policy: 'p', reasons: [], by: 'permit' }),
});

test.each(['permit', 'deny', null] as const)('what rules say is told as they say it: %s', said => {
  expect(ruleReviewer(says(said)).rules(QUESTION)).toBe(said);
});
