/** Approvals from outside the engine. */
import type { TenantId } from '../../kernel/ids.ts';
import type { Json } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
import { completeApproval, denyApproval, grantApproval } from './approvals.ts';

/** One commit each, which says who decided. `actor` as events name theirs: `key:<id>`. */
export interface ApprovalDoors {
  /** @throws approval_not_found, approval_not_open */
  grant(tenant: TenantId, id: string, actor: string, value: Json): Promise<void>;
  /** @throws as `grant` */
  deny(tenant: TenantId, id: string, actor: string, reason: string): Promise<void>;
  /** The tool has run, and this is what it said. @throws as `grant` */
  complete(tenant: TenantId, id: string, actor: string, output: string): Promise<void>;
}

export function approvalDoors(engine: EngineContext): ApprovalDoors {
  return {
    grant: (tenant, id, actor, value) => grantApproval(engine, tenant, id, actor, value),
    deny: (tenant, id, actor, reason) => denyApproval(engine, tenant, id, actor, reason),
    complete: (tenant, id, actor, output) => completeApproval(engine, tenant, id, actor, output),
  };
}
