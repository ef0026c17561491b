/** `/perdure/v1/approvals`. */
import { parseApprovalQuery, parseDenyApproval, parseGrantApproval, parseResolveApproval } from '@perdure/protocol';
import { rawQuery } from '../query.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { bodyIfAny, bodyOf, send } from './govern-routes.ts';

export async function listApprovals({ approvals }: HttpDeps, exchange: Exchange): Promise<void> {
  const parsed = parseApprovalQuery(rawQuery(exchange.req.url));
  if (!parsed.ok) throw parsed.error;
  send(exchange, await approvals.list(exchange.caller, parsed.value));
}

export async function getApproval({ approvals }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await approvals.get(exchange.caller, id));
}

export async function grantApproval(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await deps.approvals.grant(exchange.caller, id, await bodyIfAny(deps, exchange, parseGrantApproval)));
}

export async function denyApproval(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await deps.approvals.deny(exchange.caller, id, await bodyIfAny(deps, exchange, parseDenyApproval)));
}

export async function resolveApproval(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await deps.approvals.resolve(exchange.caller, id, await bodyOf(deps, exchange, parseResolveApproval)));
}
