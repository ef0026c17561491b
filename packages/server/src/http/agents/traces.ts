/** `/v1/agents/sessions/{id}/traces`: the traces of a session's finished turns, as OTLP in JSON. */
import { listPage, parseListQuery, perdureError } from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';
import type { TracePage, TraceQuery } from '../../engine/traces/list.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange } from '../types.ts';

export interface TraceView {
  /** @throws session_not_found, also for what is another tenant's (L10); invalid_request for a cursor that is no turn of it */
  list(caller: { readonly tenant: TenantId }, session: string, query: TraceQuery): Promise<TracePage>;
}

export async function listSessionTraces(
  { traces }: { readonly traces: TraceView },
  { req, res, caller, requestId }: Exchange,
  session: string,
): Promise<void> {
  const query = parseListQuery(rawQuery(req.url));
  if (!query.ok) throw query.error;
  const { limit, order, after, before } = query.value;
  if (before !== undefined)
    throw perdureError('unsupported_parameter', "'before' is not supported here.", { param: 'before' });
  const page = await traces.list(caller, session, { limit, order, ...(after !== undefined && { after }) });
  sendJson(res, 200, listPage(page.traces, page.hasMore), { 'x-request-id': requestId });
}
