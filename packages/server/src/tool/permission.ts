/**
 * Whether a tool may be called (L7): what the policies say, in this order, and what holds where they say nothing.
 *
 * P1  An evaluation that errs denies.
 * P2  A forbid on `call_tool` denies, whatever permits.
 * P3  Without one, a permit on `call_tool` permits, and one on `ask_for_tool` asks unless a forbid on it is in the way.
 * P4  What nobody speaks of is decided by the default.
 */
import type { CallFacts } from './permission-facts.ts';

export const TOOL_ACTIONS = ['call_tool', 'ask_for_tool', 'auto_approve'] as const;
export type ToolAction = (typeof TOOL_ACTIONS)[number];

export interface PolicyRef {
  readonly id: string;
  readonly cite: string | null;
}

/** What policies say of one action. */
export interface ToolJudgement {
  readonly permits: readonly PolicyRef[];
  readonly forbids: readonly PolicyRef[];
  readonly errors: readonly PolicyRef[];
}

export interface ToolJudge {
  /** Digest of all that a verdict depends on beside the call. */
  readonly version: string;
  judge(action: ToolAction, facts: CallFacts): ToolJudgement;
}

/** `by-tool`: what the client runs itself, and what is idempotent, is permitted; the rest asks. */
export type PermissionDefault = 'permit' | 'ask' | 'deny' | 'by-tool';

export interface Permission {
  readonly verdict: 'permit' | 'ask' | 'deny';
  readonly policy: string;
  readonly reasons: readonly PolicyRef[];
  /** Which rule decided. */
  readonly by: 'error' | 'forbid' | 'permit' | 'ask' | 'default';
}

export function permissionOf(judge: ToolJudge, facts: CallFacts, fallback: PermissionDefault): Permission {
  const policy = judge.version;
  const call = judge.judge('call_tool', facts);
  if (call.errors.length > 0) return { verdict: 'deny', policy, reasons: call.errors, by: 'error' };
  if (call.forbids.length > 0) return { verdict: 'deny', policy, reasons: call.forbids, by: 'forbid' };
  if (call.permits.length > 0) return { verdict: 'permit', policy, reasons: call.permits, by: 'permit' };
  const ask = judge.judge('ask_for_tool', facts);
  if (ask.errors.length > 0) return { verdict: 'deny', policy, reasons: ask.errors, by: 'error' };
  if (ask.forbids.length > 0) return { verdict: 'deny', policy, reasons: ask.forbids, by: 'forbid' };
  if (ask.permits.length > 0) return { verdict: 'ask', policy, reasons: ask.permits, by: 'ask' };
  return { verdict: byDefault(fallback, facts), policy, reasons: [], by: 'default' };
}

function byDefault(fallback: PermissionDefault, { tool }: CallFacts): Permission['verdict'] {
  if (fallback !== 'by-tool') return fallback;
  return tool.origin === 'client' || tool.idempotent ? 'permit' : 'ask';
}

/** Under `auto_review`: whether rules alone say yes to what would be asked. Null: no rule speaks of it. */
export function autoApproval(judge: ToolJudge, facts: CallFacts): Permission | null {
  const policy = judge.version;
  const found = judge.judge('auto_approve', facts);
  if (found.errors.length > 0) return { verdict: 'deny', policy, reasons: found.errors, by: 'error' };
  if (found.forbids.length > 0) return { verdict: 'deny', policy, reasons: found.forbids, by: 'forbid' };
  return found.permits.length === 0 ? null : { verdict: 'permit', policy, reasons: found.permits, by: 'permit' };
}
