/** What of tools is injected into the engine, and how much of them a turn may have. */
import type { ProgramHost } from '../programs/ports.ts';
import type { ReviewModel } from '../review/review-call.ts';
import type { ToolPolicy, ToolQuestion, ToolSource } from './ports.ts';

/** Asked where a policy says `ask` and the session is reviewed automatically. What errs denies. */
export interface ToolReviewer {
  /** Null: no rule speaks of it. */
  rules(question: ToolQuestion): 'permit' | 'deny' | null;
}

/** Every bound of tools and of the turns that use them. Times in ms. */
export interface ToolLimits {
  /** Model calls of one turn of an agent. */
  readonly calls: number;
  /** Tool calls of one turn. */
  readonly tools: number;
  /** Tokens of one turn, input and output of all its calls. */
  readonly tokens: number;
  /** Tools of one turn that run at the same time. */
  readonly atOnce: number;
  /** One run of a tool. */
  readonly toolMs: number;
  /** Characters of a tool's output that are kept; the middle of a longer one is left out. */
  readonly outputChars: number;
  /** How long people have to answer. */
  readonly approvalMs: number;
  /** Calls of a session that may be pending: the model went on without their results. */
  readonly asyncCalls: number;
  /** How long the result of one is taken. */
  readonly asyncMs: number;
}

export const TOOL_LIMITS: ToolLimits = {
  calls: 200,
  tools: 500,
  tokens: 20_000_000,
  atOnce: 8,
  toolMs: 120_000,
  outputChars: 256 * 1024,
  approvalMs: 7 * 24 * 3_600_000,
  asyncCalls: 32,
  asyncMs: 7 * 24 * 3_600_000,
};

export interface ToolDesk {
  readonly sources: readonly ToolSource[];
  readonly policy: ToolPolicy;
  /** Null: there are no rules for automatically reviewed sessions. */
  readonly reviewer: ToolReviewer | null;
  /** Asked in them where no rule speaks of a call. Null: it is denied. */
  readonly review: ReviewModel | null;
  readonly limits: ToolLimits;
  /** Null: agents are not offered programs. */
  readonly programs: ProgramHost | null;
}

/** Where no policy was configured. */
export const PERMIT_ALL: ToolPolicy = { decide: () => ({ verdict: 'permit', policy: 'none', reasons: [] }) };

export function toolDesk(given: Partial<ToolDesk> = {}): ToolDesk {
  const none = { sources: [], policy: PERMIT_ALL, reviewer: null, review: null, programs: null };
  return { ...none, limits: TOOL_LIMITS, ...given };
}
