/** The turns of a session, read back. */
import type { ResponseRow } from '../../log/rows.ts';
import type { WireEvent } from '../../session/output.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { subagentId } from '../subagents/ids.ts';
import { readRecord, type ResponseRecord, streamOfRecord } from '../read.ts';

/** Turns read at a time. */
const PAGE = 1000;

/** All turns, oldest first: their rows, which are small. */
export async function turnRows(engine: EngineContext, live: LiveSession): Promise<readonly ResponseRow[]> {
  const { tenant, session, store } = live;
  const all: ResponseRow[] = [];
  for (let after = 0; ; ) {
    const page = await engine.sessions.wait(store.responsesOf({ tenant, session, after, limit: PAGE, deleted: false }));
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return all;
    after = last.fromSeq;
  }
}

export interface TurnRecord {
  readonly row: ResponseRow;
  readonly record: ResponseRecord;
  /** What it showed, to its end or so far. */
  readonly events: readonly WireEvent[];
  readonly agent: string;
  /** If it is a sub-agent's turn. */
  readonly subagent: TurnOfSubagent | null;
  /** ms since 1970. */
  readonly endedAt: number | null;
  /** Whether it waits for people. */
  readonly waits: boolean;
  /** Ids of its calls that it went on without and that are not over. */
  readonly pending: readonly string[];
}

export interface TurnOfSubagent {
  readonly id: string;
  /** The agent that made it, and tells it things. */
  readonly from: string;
}

export function turnOfSubagent({ state, session }: LiveSession): TurnOfSubagent | null {
  if (state?.subagent === undefined) return null;
  const { parent } = state.subagent;
  return { id: subagentId(session), from: parent === null ? (state.agent?.id ?? '') : subagentId(parent) };
}

export async function readTurnRecord(engine: EngineContext, live: LiveSession, row: ResponseRow): Promise<TurnRecord> {
  const record = await readRecord(engine, { tenant: live.tenant }, row, live.store);
  const { state } = live;
  return {
    row,
    record,
    events: streamOfRecord(record),
    agent: state?.agent?.id ?? '',
    subagent: turnOfSubagent(live),
    endedAt: row.toSeq > 0 ? (record.events.at(-1)?.at ?? null) : null,
    waits: state?.turn?.response === row.id && state.phase === 'waiting',
    pending: (state?.pending ?? []).flatMap(call =>
      call.turn === row.id && call.result === undefined ? [call.item] : [],
    ),
  };
}
