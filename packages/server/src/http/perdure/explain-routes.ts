/** Calls that nobody makes, and reports over those that were made: decided and counted, never content. */
import { type DecisionFacts, parseExplain, parseReportQuery } from '@perdure/protocol';
import { EVERY_TENANT, seesAll } from '../../engine/caller.ts';
import { asTenant } from '../as-tenant.ts';
import { rawQuery } from '../query.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import type { ReportName } from './explain-view.ts';
import { bodyOf, send, single } from './govern-routes.ts';

export async function getDecisionFacts({ explains }: HttpDeps, exchange: Exchange): Promise<void> {
  const facts = explains.known(asTenant(exchange, single(exchange, 'tenant') ?? undefined).tenant);
  send(exchange, seesAll(exchange.caller) ? facts : ofOneTenant(facts));
}

/** L10: without what sums up all tenants' calls. That a target is full is told by its state; how many calls it takes to, is not. */
function ofOneTenant({ health, ...facts }: DecisionFacts): DecisionFacts {
  const states = Object.entries(health).map(([target, one]) => [target, { ...one, in_flight: null }]);
  return { ...facts, health: Object.fromEntries(states), shadow_ppm: null };
}

export async function explainCall(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const wanted = await bodyOf(deps, exchange, parseExplain);
  send(exchange, await deps.explains.explain(asTenant(exchange, wanted.tenant).tenant, wanted));
}

export async function getReport(deps: HttpDeps, exchange: Exchange, name: ReportName): Promise<void> {
  const parsed = parseReportQuery(rawQuery(exchange.req.url));
  if (!parsed.ok) throw parsed.error;
  const { tenant } = parsed.value;
  const all = (tenant ?? exchange.caller.tenant) === EVERY_TENANT && seesAll(exchange.caller);
  const whose = all ? null : asTenant(exchange, tenant).tenant;
  send(exchange, await deps.explains.report(name, whose, parsed.value));
}
