/**
 * Which turns of sub-agents a turn has begun. Their ids are made of the keys of the calls that began them (M1), so that the log says it by itself. A
 * turn that a sub-agent began for messages which another one ended without was begun by no call: it belongs to the turn of its session that was the
 * last to begin before it.
 */
import type { ResponseId } from '../../kernel/ids.ts';
import type { LogEvent } from '../../log/events.ts';
import type { ResponseRow, SessionRow } from '../../log/rows.ts';
import { stateIn } from '../../session/project.ts';
import type { SessionLog, Sha256 } from '../ports.ts';
import { isBegunByCall, toldResponse } from '../subagents/ids.ts';
import { runKey } from '../tools/run-key.ts';

/** Turns of sub-agents that are looked at for the traces of one page, at most. */
const MAX_TOLD_TURNS = 10_000;
const ROWS = 1000;

export interface MemberTurn {
  readonly member: SessionRow;
  readonly turn: ResponseRow;
}

/** The turns of a session's sub-agents that have ended. */
export interface Members {
  readonly byId: ReadonlyMap<ResponseId, MemberTurn>;
  /** Those that no call has begun, by the turn of the session that they belong to. */
  readonly alone: ReadonlyMap<ResponseId, readonly MemberTurn[]>;
}

interface Waits {
  wait<T>(work: Promise<T>): Promise<T>;
}

export async function membersOf(source: Waits, store: SessionLog, owner: SessionRow): Promise<Members> {
  const byId = new Map<ResponseId, MemberTurn>();
  const { tenant } = owner;
  for (const { session } of stateIn(owner)?.subagents?.all ?? []) {
    const member = await source.wait(store.session(tenant, session));
    if (member === null || member.ended) continue;
    for (let after = 0; byId.size < MAX_TOLD_TURNS; ) {
      const rows = await source.wait(store.responsesOf({ tenant, session, after, limit: ROWS, deleted: false }));
      for (const turn of rows) if (turn.toSeq > 0) byId.set(turn.id, { member, turn });
      after = rows.at(-1)?.fromSeq ?? 0;
      if (rows.length < ROWS) break;
    }
  }
  const alone = new Map<ResponseId, MemberTurn[]>();
  for (const one of byId.values()) {
    if (isBegunByCall(one.member.session, one.turn.id)) continue;
    const [turn] = await turnsBefore(source, store, owner, one.turn.createdAt);
    if (turn !== undefined) alone.set(turn.id, [...(alone.get(turn.id) ?? []), one]);
  }
  return { byId, alone };
}

/** The last turns of a session that had begun by then, ms since 1970: at most two, the last first. */
export async function turnsBefore(
  source: Waits,
  store: SessionLog,
  { tenant, session }: SessionRow,
  at: number,
): Promise<readonly ResponseRow[]> {
  let last: readonly ResponseRow[] = [];
  for (let after = 0; ; ) {
    const rows = await source.wait(store.responsesOf({ tenant, session, after, limit: ROWS, deleted: false }));
    last = [...last, ...rows.filter(({ createdAt }) => createdAt <= at)].slice(-2);
    after = rows.at(-1)?.fromSeq ?? 0;
    if (rows.length < ROWS) return last.toReversed();
  }
}

const TELLS: ReadonlySet<string> = new Set(['create_subagent', 'send_subagent_input']);

/** Each with the seq of the event that the span of its call is made for; in the order of the calls. */
export function toldBy(
  sha256: Sha256,
  { byId }: Pick<Members, 'byId'>,
  { session, id }: ResponseRow,
  events: readonly LogEvent[],
): readonly (MemberTurn & { readonly call: number })[] {
  if (byId.size === 0) return [];
  const told: (MemberTurn & { readonly call: number })[] = [];
  for (const event of events) {
    if (event.type !== 'tool.requested' || !TELLS.has(event.head.tool)) continue;
    const { callId } = event.head;
    const key = runKey(sha256, session, id, callId);
    // Its id says where the family lies, and nothing of which of its members it is.
    const begun = byId.get(toldResponse(session, key));
    // One that was run again was cut before: the first run may have begun the turn.
    const ran = events.find(one => one.type === 'tool.started' && one.head.callId === callId);
    if (ran !== undefined && begun !== undefined) told.push({ ...begun, call: ran.seq });
  }
  return told;
}
