/** The turns of a session, a page of them. */
import { perdureError } from '@perdure/protocol';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { responseOfTurn } from './find.ts';
import { readTurnRecord, type TurnRecord, turnRows } from './turns.ts';

export interface Paged<Entry> {
  readonly data: readonly Entry[];
  readonly hasMore: boolean;
}

export interface TurnListQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** A turn's id on the wire. */
  readonly after: string | null;
}

export async function turnPage(
  engine: EngineContext,
  live: LiveSession,
  query: TurnListQuery,
): Promise<Paged<TurnRecord>> {
  const rows = await turnRows(engine, live);
  const ordered = query.order === 'asc' ? rows : rows.toReversed();
  const cursor = query.after === null ? null : responseOfTurn(query.after);
  const at = query.after === null ? -1 : ordered.findIndex(row => row.id === cursor);
  if (query.after !== null && at < 0)
    throw perdureError('turn_not_found', 'The cursor is no turn of this session.', { status: 400, param: 'after' });
  const wanted = ordered.slice(at + 1, at + 1 + query.limit);
  const data: TurnRecord[] = [];
  for (const row of wanted) data.push(await readTurnRecord(engine, live, row));
  return { data, hasMore: at + 1 + query.limit < ordered.length };
}
