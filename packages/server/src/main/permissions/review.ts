/**
 * Who says yes under `auto_review` to what would be asked: rules first (`Action::"auto_approve"`), then a reviewer, if there is one.
 * Without either the answer is no: nobody is there to be asked.
 */
import type { ToolReviewer } from '../../engine/tools/desk.ts';
import type { ToolQuestion } from '../../engine/tools/ports.ts';
import type { Permissions } from './permissions.ts';

/** Such as a model, asked through placement as any other call is. What errs is a no. */
export interface Reviewer {
  review(
    question: ToolQuestion,
    signal: AbortSignal,
  ): Promise<{ readonly verdict: 'permit' | 'deny'; readonly reason: string }>;
}

export function ruleReviewer(permissions: Pick<Permissions, 'autoApprove'>, reviewer: Reviewer | null): ToolReviewer {
  return {
    rules: question => (permissions.autoApprove(question)?.verdict === 'permit' ? 'permit' : 'deny'),
    async review(question, _verdict, signal) {
      const byRule = permissions.autoApprove(question);
      if (byRule !== null) return byRule.verdict === 'permit' ? 'permit' : 'deny';
      if (reviewer === null) return 'deny';
      return (await reviewer.review(question, signal)).verdict;
    },
  };
}
