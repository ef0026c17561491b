/** What the routes of hypothetical calls and reports show. Made by whoever holds contracts, targets and the log (main). */
import type {
  DecisionFacts,
  ExplainRequest,
  ExplanationResource,
  LockInReport,
  ReportQuery,
  StatefulnessReport,
  VisibilityReport,
} from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';

export type ReportName = 'statefulness' | 'visibility' | 'lock-in';

export interface ExplainView {
  /** What decisions for a tenant see now. */
  known(tenant: TenantId): DecisionFacts;
  /** A call that nobody makes, of the tenant. @throws invalid_request, contracts_invalid */
  explain(tenant: TenantId, request: ExplainRequest): Promise<ExplanationResource>;
  /** @param tenant null: of all @throws invalid_request if the window holds more than a request looks at */
  report(
    name: ReportName,
    tenant: TenantId | null,
    query: ReportQuery,
  ): Promise<StatefulnessReport | VisibilityReport | LockInReport>;
}
