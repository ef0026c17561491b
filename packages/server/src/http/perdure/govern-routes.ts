/** Contracts in force, waivers, events, rights, the audit. What a key of one tenant sees is of that tenant or of nobody's in particular (L10). */
import {
  parseAnswerRight,
  parseAuditQuery,
  parseCreateActivation,
  parseCreateContractEvent,
  parseCreateWaiver,
  parseOfferRight,
  type Parsed,
  perdureError,
} from '@perdure/protocol';
import { seesAll } from '../../engine/caller.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import type { Viewer } from './govern-view.ts';

export function viewer({ caller }: Exchange): Viewer {
  return { principal: caller.principal, tenant: caller.tenant, all: seesAll(caller) };
}

export function send(exchange: Exchange, body: unknown): void {
  sendJson(exchange.res, 200, body, { 'x-request-id': exchange.requestId });
}

export function sendList(exchange: Exchange, data: readonly unknown[]): void {
  send(exchange, { object: 'list', data, has_more: false });
}

export async function bodyOf<T>(deps: HttpDeps, exchange: Exchange, parse: (body: unknown) => Parsed<T>): Promise<T> {
  const parsed = parse((await readJson(exchange.req, deps.limits)).value);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

/** A body that may be left out. */
export async function bodyIfAny<T>(
  deps: HttpDeps,
  exchange: Exchange,
  parse: (body: unknown) => Parsed<T>,
): Promise<T> {
  const { value = {} } = await readOptionalJson(exchange.req, deps.limits);
  const parsed = parse(value);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

export function single(exchange: Exchange, name: string): string | null {
  return rawQuery(exchange.req.url)[name]?.[0] ?? null;
}

export async function listContracts({ govern }: HttpDeps, exchange: Exchange): Promise<void> {
  sendList(exchange, await govern.contracts());
}

export async function getContract({ govern }: HttpDeps, exchange: Exchange, digest: string): Promise<void> {
  const found = await govern.contract(digest);
  if (found === null) throw perdureError('not_found', 'No contract with this digest was ever activated.');
  send(exchange, found);
}

export async function listActivations({ govern }: HttpDeps, exchange: Exchange): Promise<void> {
  sendList(exchange, await govern.activations());
}

export async function createActivation(deps: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, await deps.govern.activate(viewer(exchange), await bodyOf(deps, exchange, parseCreateActivation)));
}

export async function approveActivation({ govern }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await govern.approveActivation(viewer(exchange), id));
}

export async function rejectActivation({ govern }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await govern.rejectActivation(viewer(exchange), id));
}

export async function withdrawActivation({ govern }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await govern.withdrawActivation(viewer(exchange), id));
}

export async function listStranded({ govern }: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, await govern.stranded(viewer(exchange), single(exchange, 'after')));
}

export async function listWaivers({ govern }: HttpDeps, exchange: Exchange): Promise<void> {
  sendList(exchange, await govern.waivers(viewer(exchange)));
}

export async function grantWaiver(deps: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, await deps.govern.grantWaiver(viewer(exchange), await bodyOf(deps, exchange, parseCreateWaiver)));
}

export async function decideWaiver(
  { govern }: HttpDeps,
  exchange: Exchange,
  id: string,
  how: 'approve' | 'reject' | 'revoke',
): Promise<void> {
  send(exchange, await govern.decideWaiver(viewer(exchange), id, how));
}

export async function listEvents({ govern }: HttpDeps, exchange: Exchange): Promise<void> {
  sendList(exchange, await govern.events());
}

export async function recordEvent(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const wanted = await bodyOf(deps, exchange, parseCreateContractEvent);
  send(exchange, await deps.govern.recordEvent(viewer(exchange), wanted));
}

export async function decideEvent(
  { govern }: HttpDeps,
  exchange: Exchange,
  id: string,
  how: 'approve' | 'reject' | 'retract',
): Promise<void> {
  send(exchange, await govern.decideEvent(viewer(exchange), id, how));
}

export async function listSettings({ govern }: HttpDeps, exchange: Exchange): Promise<void> {
  sendList(exchange, await govern.settings());
}

export async function decideSettings(
  { govern }: HttpDeps,
  exchange: Exchange,
  id: string,
  how: 'approve' | 'reject',
): Promise<void> {
  send(exchange, await govern.decideSettings(viewer(exchange), id, how));
}

export async function listRights({ govern }: HttpDeps, exchange: Exchange): Promise<void> {
  sendList(exchange, await govern.rights());
}

export async function moveRight(
  deps: HttpDeps,
  exchange: Exchange,
  right: string,
  move: 'offer' | 'accept' | 'decline',
): Promise<void> {
  const who = viewer(exchange);
  const moved =
    move === 'offer'
      ? deps.govern.offerRight(who, right, await bodyOf(deps, exchange, parseOfferRight))
      : deps.govern.answerRight(who, right, move, await bodyOf(deps, exchange, parseAnswerRight));
  send(exchange, await moved);
}

export async function decideRight(
  { govern }: HttpDeps,
  exchange: Exchange,
  right: string,
  how: 'approve' | 'reject' | 'retract',
): Promise<void> {
  send(exchange, await govern.decideRight(viewer(exchange), right, how));
}

export async function listAudit({ govern }: HttpDeps, exchange: Exchange): Promise<void> {
  const parsed = parseAuditQuery(rawQuery(exchange.req.url));
  if (!parsed.ok) throw parsed.error;
  send(exchange, await govern.audit(viewer(exchange), parsed.value));
}

export function wholeIn(exchange: Exchange, name: string, fallback: number, min: number, max: number): number {
  const text = single(exchange, name);
  if (text === null) return fallback;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw perdureError('invalid_request', `'${name}' must be a whole number from ${min} to ${max}.`, { param: name });
}
