/** What the routes about approvals need. Made by main. */
import type {
  ApprovalDetail,
  ApprovalPage,
  ApprovalQuery,
  ApprovalResource,
  DenyApproval,
  GrantApproval,
  ResolveApproval,
} from '@perdure/protocol';
import type { Caller } from '../../engine/caller.ts';

export interface ApprovalView {
  list(who: Caller, query: ApprovalQuery): Promise<ApprovalPage>;
  /** With its arguments for who may decide, without for others. @throws approval_not_found */
  get(who: Caller, id: string): Promise<ApprovalResource | ApprovalDetail>;
  /** @throws approval_not_found, approval_not_open, insufficient_scope, second_person_required, invalid_request */
  grant(who: Caller, id: string, how: GrantApproval): Promise<ApprovalDetail>;
  /** @throws as `grant` */
  deny(who: Caller, id: string, how: DenyApproval): Promise<ApprovalDetail>;
  /** Of a tool of which nobody knows whether it ran. @throws as `grant` */
  resolve(who: Caller, id: string, how: ResolveApproval): Promise<ApprovalDetail>;
}
