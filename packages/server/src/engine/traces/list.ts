/** The traces of a session, page by page, in the order of its turns. */
import { type ErrorCode, perdureError } from '@perdure/protocol';
import { idBody, type ResponseId, type SessionId, type TenantId } from '../../kernel/ids.ts';
import type { ResponseRow, SessionRow } from '../../log/rows.ts';
import type { Homes } from '../homes.ts';
import { stateIn } from '../../session/project.ts';
import type { SessionLog } from '../ports.ts';
import type { OtlpTraces } from './otlp.ts';
import { readTrace, shownTurn, type TraceSource } from './read.ts';
import { membersOf } from './told.ts';

/** Bytes of a page's traces as JSON, at most (the bound of the Agents API). */
export const MAX_PAGE_BYTES: number = 16 * 1024 * 1024;
/** Turns read at a time. */
const ROWS = 1000;

export interface TraceQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** A turn, as clients know it; exclusive. */
  readonly after?: string;
}

export interface SessionTrace {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly object: 'agent.session.trace';
  readonly otlp: OtlpTraces;
  readonly session_id: string;
}

export interface TracePage {
  readonly traces: readonly SessionTrace[];
  readonly hasMore: boolean;
}

export interface TraceDesk extends TraceSource {
  readonly homes: Homes;
}

/**
 * Turns that have not ended have no trace yet, and are passed over.
 * @param kinds of sessions that are shown here
 * @param missing what is said where there is none; a foreign one is none (L10)
 */
export async function listTraces(
  desk: TraceDesk,
  tenant: TenantId,
  id: string,
  query: TraceQuery,
  kinds: readonly SessionRow['kind'][],
  missing: ErrorCode,
): Promise<TracePage> {
  const body = idBody(id, 'sess');
  const store = body === null ? null : desk.homes.ofBody(body);
  const row = store === null ? null : await desk.wait(store.session(tenant, id as SessionId));
  if (store === null || row === null || row.ended || !kinds.includes(row.kind) || isSubagent(row))
    throw perdureError(missing);
  const turns = await turnsOf(desk, store, row, query);
  const members = await membersOf(desk, store, row);
  const traces: SessionTrace[] = [];
  let bytes = 0;
  for (const turn of turns.slice(0, query.limit)) {
    const read = await readTrace(desk, store, row, turn, members);
    if (read === null) continue;
    const { otlp } = read;
    bytes += Buffer.byteLength(JSON.stringify(otlp));
    if (bytes > MAX_PAGE_BYTES)
      throw perdureError(
        'invalid_request',
        `The traces of this page are larger than ${MAX_PAGE_BYTES} bytes: ask for fewer.`,
        {
          param: 'limit',
        },
      );
    traces.push({
      id: shownTurn(row.kind, turn.id),
      created_at: Math.floor(turn.createdAt / 1000),
      object: 'agent.session.trace',
      otlp,
      session_id: id,
    });
  }
  return { traces, hasMore: turns.length > query.limit };
}

/** To clients it is no session. */
function isSubagent(row: SessionRow): boolean {
  return stateIn(row)?.subagent !== undefined;
}

/** Finished turns, one more than asked for if there are. Newest first, they are looked for from the first on: rows are small. */
async function turnsOf(
  desk: TraceDesk,
  store: SessionLog,
  { tenant, session, kind }: SessionRow,
  { order, limit, after }: TraceQuery,
): Promise<readonly ResponseRow[]> {
  const cursor = after === undefined ? null : await turnAfter(desk, store, tenant, session, kind, after);
  const found: ResponseRow[] = [];
  let from = order === 'asc' ? (cursor?.fromSeq ?? 0) : 0;
  for (;;) {
    const rows = await desk.wait(store.responsesOf({ tenant, session, after: from, limit: ROWS, deleted: false }));
    for (const row of rows) {
      if (order === 'desc' && cursor !== null && row.fromSeq >= cursor.fromSeq) return found.toReversed();
      if (row.toSeq === 0) continue;
      found.push(row);
      if (order === 'desc' && found.length > limit + 1) found.shift();
      if (order === 'asc' && found.length > limit) return found;
    }
    from = rows.at(-1)?.fromSeq ?? 0;
    if (rows.length < ROWS) return order === 'asc' ? found : found.toReversed();
  }
}

async function turnAfter(
  desk: TraceDesk,
  store: SessionLog,
  tenant: TenantId,
  session: SessionId,
  kind: SessionRow['kind'],
  after: string,
): Promise<ResponseRow> {
  const body = idBody(after, kind === 'agent' ? 'turn' : 'resp');
  const row = body === null ? null : await desk.wait(store.response(tenant, `resp_${body}` as ResponseId));
  if (row?.session === session) return row;
  throw perdureError('invalid_request', 'The session has no turn of that id.', { param: 'after' });
}
