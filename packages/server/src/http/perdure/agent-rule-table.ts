/** The routes of approvals and webhooks. */
import type { Row } from '../app.ts';
import type { Exchange, HttpDeps, Scope } from '../types.ts';
import * as approvals from './approval-routes.ts';
import * as webhooks from './webhook-routes.ts';

export function agentRuleRoutes(deps: HttpDeps): readonly Row[] {
  // Arguments are shown only to who may decide; keys for inference decide only if the operator lets them: the desk says.
  const sees: readonly Scope[] = ['approve', 'operator', 'inference', 'read', 'auditor'];
  const decides: readonly Scope[] = ['approve', 'operator', 'inference'];
  const admin: readonly Scope[] = ['admin', 'operator'];
  type Of = (deps: HttpDeps, exchange: Exchange, id: string) => Promise<void>;
  const row = (method: Row[0], path: string, scopes: readonly Scope[], handler: Of): Row => [
    method,
    `/perdure/v1${path}`,
    scopes,
    (exchange, [id = '']) => handler(deps, exchange, id),
  ];
  return [
    row('GET', '/approvals', sees, approvals.listApprovals),
    row('GET', '/approvals/:id', sees, approvals.getApproval),
    row('POST', '/approvals/:id/grant', decides, approvals.grantApproval),
    row('POST', '/approvals/:id/deny', decides, approvals.denyApproval),
    row('POST', '/approvals/:id/resolve', decides, approvals.resolveApproval),
    row('GET', '/webhooks', admin, webhooks.listWebhooks),
    row('POST', '/webhooks', admin, webhooks.createWebhook),
    row('GET', '/webhooks/:id', admin, webhooks.getWebhook),
    row('DELETE', '/webhooks/:id', admin, webhooks.deleteWebhook),
    row('POST', '/webhooks/:id/rotate_secret', admin, webhooks.rotateWebhook),
    row('POST', '/webhooks/:id/enable', admin, webhooks.enableWebhook),
    row('POST', '/webhooks/:id/test', admin, webhooks.testWebhook),
    row('GET', '/webhooks/:id/deliveries', admin, webhooks.listDeliveries),
  ];
}
