/** `/perdure/v1/approvals`. */
import {
  parseApprovalQuery,
  parseDenyApproval,
  parseGrantApproval,
  type Parsed,
  parseResolveApproval,
} from '@perdure/protocol';
import { readJson } from '../body.ts';
import { rawQuery } from '../query.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { bodyOf, send } from './govern-routes.ts';

export async function listApprovals({ approvals }: HttpDeps, exchange: Exchange): Promise<void> {
  const parsed = parseApprovalQuery(rawQuery(exchange.req.url));
  if (!parsed.ok) throw parsed.error;
  send(exchange, await approvals.list(exchange.caller, parsed.value));
}

export async function getApproval({ approvals }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await approvals.get(exchange.caller, id));
}

export async function grantApproval(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await deps.approvals.grant(exchange.caller, id, await maybe(deps, exchange, parseGrantApproval)));
}

export async function denyApproval(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await deps.approvals.deny(exchange.caller, id, await maybe(deps, exchange, parseDenyApproval)));
}

export async function resolveApproval(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await deps.approvals.resolve(exchange.caller, id, await bodyOf(deps, exchange, parseResolveApproval)));
}

/** A body that may be left out. */
async function maybe<T>(deps: HttpDeps, exchange: Exchange, parse: (body: unknown) => Parsed<T>): Promise<T> {
  const { 'content-length': length, 'transfer-encoding': encoding } = exchange.req.headers;
  const empty = encoding === undefined && (length === undefined || length === '0');
  const parsed = parse(empty ? {} : (await readJson(exchange.req, deps.limits)).value);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}
