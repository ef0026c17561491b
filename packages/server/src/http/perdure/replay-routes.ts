/** What a what-if decides again, read page by page: whoever replays does the work. */
import { parsePlacementQuery, perdureError, type ReplayPage, type ReplaySnapshot } from '@perdure/protocol';
import type { PlacementRecord } from '../../engine/placements.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';

export async function listReplay(deps: HttpDeps, { req, res, caller, requestId }: Exchange): Promise<void> {
  const parsed = parsePlacementQuery(rawQuery(req.url));
  if (!parsed.ok) throw parsed.error;
  const { from, to, tenant, limit, after } = parsed.value;
  // L10
  if (tenant !== undefined && tenant !== caller.tenant && !caller.scopes.includes('operator'))
    throw perdureError('insufficient_scope', 'Placements of another tenant are replayed with the scope operator.');
  const { placements, next } = await deps.engine.placements(caller, {
    order: 'asc',
    limit,
    ...(after !== undefined && { after }),
    ...(tenant !== undefined && { tenant: tenant as TenantId }),
    ...(from !== undefined && { from: Date.parse(from) }),
    ...(to !== undefined && { to: Date.parse(to) }),
  });
  const page: ReplayPage = { object: 'list', data: placements.map(replayed), next };
  sendJson(res, 200, page, { 'x-request-id': requestId });
}

function replayed({ id, at, session, action, record, call }: PlacementRecord): ReplayPage['data'][number] {
  return { id, at, session, call: action === 'infer', record, usage: call.usage };
}

export async function getReplaySnapshot(deps: HttpDeps, exchange: Exchange, version: string): Promise<void> {
  const { res, caller, requestId } = exchange;
  const document = await deps.view.document(version, caller.scopes.includes('operator') ? null : caller.tenant);
  if (document === null) throw perdureError('placement_not_found', 'What these placements saw is not kept here.');
  const snapshot: ReplaySnapshot = { object: 'perdure.replay_snapshot', version, document };
  sendJson(res, 200, snapshot, { 'x-request-id': requestId });
}
