export {
  type AgentCardQuery,
  type AuditListQuery,
  createPerdureClient,
  type CallOptions,
  type PerdureClient,
  type PerdureClientOptions,
  type UsageListQuery,
} from './client.ts';
export type { AgentRulesClient, ApprovalListQuery, WebhookListQuery } from './agent-rules.ts';
export { type Connection, type Exchange, makeRequester, makeStreamer, type Query, type Schema } from './request.ts';
