/**
 * Results of calls that the model went on without: those that wait when a turn begins are the first of its input, and who sends one while a turn runs steers it.
 *
 * Y4  The result, the input that takes it and the beginning of its turn are one commit: a process that dies leaves all of them or none.
 * Y5  Who sends the same result again, while it is known, is told that it was taken.
 */
import type { NewItem } from '@perdure/protocol';
import type { EventBody, LoggedItem } from '../../log/events.ts';
import type { PendingCall, SessionState } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import { eventAt } from '../event-at.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { answeredCall, type LateResult } from '../tools/pending.ts';

/** What a turn that begins takes of them. */
export interface LateResults {
  /** Said before its input. */
  readonly bodies: readonly EventBody[];
  /** Seqs of their `tool.postponed`. */
  readonly results: readonly number[];
  /** In that order: they come before all other input. */
  readonly items: readonly NewItem[];
}

export interface Answer {
  readonly call: PendingCall;
  readonly result: LateResult;
  /** Of the input that brought it, if a key guards it. */
  readonly mark: string | null;
}

const EXPIRED: LateResult = { code: 'async_call_expired', output: 'No result came in time, and none will come.' };

/** Call it with no turn open. @param answer that has just come */
export async function lateResults(
  engine: EngineContext,
  live: LiveSession,
  answer: Answer | null,
): Promise<LateResults> {
  const { pending = [] } = mustState(live);
  const most = engine.tools.limits.outputChars;
  const now = engine.clock.now();
  const bodies: EventBody[] = [];
  const results: number[] = [];
  const items: LoggedItem[] = [];
  for (const call of pending) {
    const result = answer?.call.seq === call.seq ? answer.result : call.expiresAt <= now ? EXPIRED : null;
    if (call.result !== undefined) items.push(...(await keptItems(engine, live, call.result)));
    else if (result === null) continue;
    else {
      const body = answeredCall(call, result, most, answer?.call.seq === call.seq ? answer.mark : null);
      bodies.push(body);
      items.push(...itemsOf(body));
    }
    results.push(call.seq);
  }
  return { bodies, results, items: items as unknown as readonly NewItem[] };
}

function itemsOf(body: EventBody): readonly LoggedItem[] {
  return body.type === 'tool.answered' ? body.payload.items : [];
}

async function keptItems(engine: EngineContext, live: LiveSession, seq: number): Promise<readonly LoggedItem[]> {
  return (await eventAt(engine, live, seq, 'tool.answered'))?.payload?.items ?? [];
}

/** The call of that id of the turn that waits for its result now. */
export function awaited(state: SessionState, turn: string | null, callId: string, now: number): PendingCall | null {
  const { pending = [] } = state;
  const call = pending.find(one => one.turn === turn && one.callId === callId);
  return call === undefined || call.result !== undefined || call.expiresAt <= now ? null : call;
}

/** Whether the very result is there already, and no turn that took it has ended since. */
export async function isTaken(
  engine: EngineContext,
  live: LiveSession,
  turn: string | null,
  callId: string,
  result: LateResult,
): Promise<boolean> {
  const { pending = [], turn: open } = mustState(live);
  const known = [...pending, ...(open?.took ?? []), ...(open?.queued ?? []).flatMap(({ call }) => call ?? [])];
  const call = known.find(one => one.turn === turn && one.callId === callId);
  if (call?.result === undefined) return false;
  const kept = await keptItems(engine, live, call.result);
  const again = itemsOf(answeredCall(call, result, engine.tools.limits.outputChars));
  return JSON.stringify(kept) === JSON.stringify(again);
}

/** What is still awaited, with its arguments, for who drives the session. */
export async function awaitedCalls(
  engine: EngineContext,
  live: LiveSession,
): Promise<readonly { readonly call: PendingCall; readonly arguments: string }[]> {
  const now = engine.clock.now();
  const waiting = (mustState(live).pending ?? []).filter(call => call.result === undefined && call.expiresAt > now);
  return Promise.all(
    waiting.map(async call => {
      const event = await eventAt(engine, live, call.seq, 'tool.postponed');
      return { call, arguments: event?.payload?.arguments ?? '' };
    }),
  );
}
