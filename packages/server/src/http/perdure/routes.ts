/** What only Perdure has: `/perdure/v1`. */
import {
  listPage,
  type PlacementResource,
  parsePlacementQuery,
  parseUsageQuery,
  parseWhatIf,
  perdureError,
  strayOfKey,
  type TargetResource,
  type UsageQuery,
  type WhatIfResult,
} from '@perdure/protocol';
import { type Caller, seesAll } from '../../engine/caller.ts';
import type { PlacementRecord } from '../../engine/placements.ts';
import { asTenant } from '../as-tenant.ts';
import { readJson } from '../body.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';

/** Placements on the status page, and sessions' placements that one what-if replays. */
const STATUS_PLACEMENTS = 20;
const WHATIF_MOST = 1000;
const PAGE = 100;

function send(exchange: Exchange, body: unknown): void {
  sendJson(exchange.res, 200, body, { 'x-request-id': exchange.requestId });
}

function namedTenant(exchange: Exchange): string | undefined {
  return rawQuery(exchange.req.url)['tenant']?.[0];
}

export async function getPlacement(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await deps.view.explain(await deps.engine.placement(asTenant(exchange, namedTenant(exchange)), id)));
}

export async function listPlacements(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const parsed = parsePlacementQuery(rawQuery(exchange.req.url));
  if (!parsed.ok) throw parsed.error;
  const { from, to, tenant, session, response, limit, order, after } = parsed.value;
  const { placements, hasMore, next } = await deps.engine.placements(asTenant(exchange, tenant), {
    limit,
    order,
    ...(session !== undefined && { session }),
    ...(response !== undefined && { response }),
    ...(after !== undefined && { after }),
    ...(from !== undefined && { from: Date.parse(from) }),
    ...(to !== undefined && { to: Date.parse(to) }),
    matches: record => deps.view.matches(record, parsed.value),
  });
  send(exchange, { ...listPage(await explainAll(deps, placements), hasMore), next });
}

function explainAll(deps: HttpDeps, records: readonly PlacementRecord[]): Promise<readonly PlacementResource[]> {
  return Promise.all(records.map(record => deps.view.explain(record)));
}

function usageQuery(exchange: Exchange): UsageQuery {
  const parsed = parseUsageQuery(rawQuery(exchange.req.url));
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

export async function listUsage(deps: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, await deps.usage.groups(exchange.caller, usageQuery(exchange)));
}

export async function listUsageCalls(deps: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, await deps.usage.calls(exchange.caller, usageQuery(exchange)));
}

export async function getCommitments(deps: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, await deps.usage.commitments(exchange.caller, usageQuery(exchange)));
}

export async function listTargets(deps: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, listPage(shown(exchange, deps.view.targets()), false));
}

/** L10: how much others ask of a target is told to who sees all tenants. */
function shown({ caller }: Exchange, targets: readonly TargetResource[]): readonly TargetResource[] {
  return seesAll(caller) ? targets : targets.map(target => ({ ...target, in_flight: null }));
}

export async function getStatus(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { placements } = await deps.engine.placements(exchange.caller, { order: 'desc', limit: STATUS_PLACEMENTS });
  const status = await deps.view.status();
  const targets = shown(exchange, status.targets);
  const unenforced = seesAll(exchange.caller) ? status.unenforced : null;
  send(exchange, { ...status, targets, unenforced, placements: await explainAll(deps, placements) });
}

/** The same traffic's placements on another supposition: which reading, contracts, date. */
export async function whatIf(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const parsed = parseWhatIf((await readJson(exchange.req, deps.limits)).value);
  if (!parsed.ok) throw parsed.error;
  const { records, truncated } = await collect(
    deps,
    asTenant(exchange, namedTenant(exchange)),
    parsed.value.sessions ?? null,
  );
  const result: WhatIfResult = {
    object: 'perdure.whatif',
    ...(await deps.view.whatIf(records, parsed.value)),
    truncated,
  };
  send(exchange, result);
}

async function collect(
  deps: HttpDeps,
  caller: Caller,
  sessions: readonly string[] | null,
): Promise<{ records: PlacementRecord[]; truncated: boolean }> {
  const records: PlacementRecord[] = [];
  for (const session of sessions ?? [undefined]) {
    for (let after: string | undefined; ; ) {
      const query = {
        order: 'asc' as const,
        limit: PAGE,
        ...(session !== undefined && { session }),
        ...(after !== undefined && { after }),
      };
      const { placements, hasMore } = await deps.engine.placements(caller, query);
      records.push(...placements);
      if (records.length > WHATIF_MOST) return { records: records.slice(0, WHATIF_MOST), truncated: true };
      if (!hasMore) break;
      after = placements.at(-1)?.id;
    }
  }
  return { records, truncated: false };
}

export async function listKeys(deps: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, { object: 'list', data: deps.keys.list(exchange.caller), has_more: false });
}

export async function createKey(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { value } = await readJson(exchange.req, deps.limits);
  const stray = strayOfKey(value);
  if (stray !== null) throw stray;
  send(exchange, await deps.keys.create(exchange.caller, value));
}

export async function revokeKey(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  if (!(await deps.keys.revoke(exchange.caller, id)))
    throw perdureError('not_found', `There is no key '${id.slice(0, 64)}'.`);
  send(exchange, { id, object: 'perdure.key', revoked: true });
}
