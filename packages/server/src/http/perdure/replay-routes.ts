/** What a what-if decides again, read page by page: whoever replays does the work. */
import { parsePlacementQuery, perdureError, type ReplayPage, type ReplaySnapshot } from '@perdure/protocol';
import { seesAll } from '../../engine/caller.ts';
import type { PlacementRecord } from '../../engine/placements.ts';
import { asTenant } from '../as-tenant.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';

export async function listReplay(deps: HttpDeps, { req, res, caller, requestId }: Exchange): Promise<void> {
  const parsed = parsePlacementQuery(rawQuery(req.url));
  if (!parsed.ok) throw parsed.error;
  const { from, to, tenant, limit, after } = parsed.value;
  const { placements, next } = await deps.engine.placements(asTenant({ caller }, tenant), {
    order: 'asc',
    limit,
    ...(after !== undefined && { after }),
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
  const document = await deps.view.document(version, seesAll(caller) ? null : caller.tenant);
  if (document === null) throw perdureError('placement_not_found', 'What these placements saw is not kept here.');
  const snapshot: ReplaySnapshot = { object: 'perdure.replay_snapshot', version, document };
  sendJson(res, 200, snapshot, { 'x-request-id': requestId });
}
