/**
 * What rules say under `auto_review` of what would be asked (`Action::"auto_approve"`). Of what they do not speak the model is asked that is configured
 * as `review`; without one the answer is no: nobody is there to be asked.
 */
import type { ToolReviewer } from '../../engine/tools/desk.ts';
import type { Permissions } from './permissions.ts';

export function ruleReviewer(permissions: Pick<Permissions, 'autoApprove'>): ToolReviewer {
  return {
    rules(question) {
      const said = permissions.autoApprove(question);
      return said === null ? null : said.verdict === 'permit' ? 'permit' : 'deny';
    },
  };
}
