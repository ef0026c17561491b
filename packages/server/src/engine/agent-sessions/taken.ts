/**
 * What of a request was taken already by a process that died in the middle of it. Each input of a request with a key is marked in the log
 * where it is taken; whoever repeats the request is told what was not taken yet, and no input comes twice.
 */
import type { ResponseId } from '../../kernel/ids.ts';
import { decodeEvent } from '../../log/codec.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import type { SessionInput } from './input.ts';

/** Events of one read, going back from the end of the log. */
const PAGE = 200;
/** By so much the clocks of two processes may differ, ms. */
const SKEW_MS = 60_000;

/** What marks the input of that index of the request whose key reserved `id`. */
export function inputMark(id: ResponseId, index: number): string {
  return `${id}.${index}`;
}

/**
 * Indices of the inputs that were taken.
 * @param id what the request's key has reserved: its first message begins the turn of that id, if it begins one
 * @param since ms since 1970: when the key was reserved
 */
export async function takenInputs(
  engine: EngineContext,
  live: LiveSession,
  inputs: readonly SessionInput[],
  { id, since }: { readonly id: ResponseId; readonly since: number },
): Promise<ReadonlySet<number>> {
  const { tenant, session, store } = live;
  const taken = new Set<number>();
  if ((await engine.sessions.wait(store.response(tenant, id))) !== null)
    taken.add(inputs.findIndex(input => input.type === 'message'));
  const marks = new Map(inputs.map((_, index) => [inputMark(id, index), index]));
  let cancelled = false;
  for (let to = mustState(live).seq; to >= 1; to -= PAGE) {
    const from = Math.max(1, to - PAGE + 1);
    const events = await engine.sessions.wait(store.events({ tenant, session, from, to, limit: PAGE }));
    for (const stored of events) {
      if (stored.at < since - SKEW_MS) continue;
      const event = decodeEvent({ tenant, session }, stored);
      if (event.type === 'turn.cancelled' && event.at >= since) cancelled = true;
      const mark = 'request' in event.head ? event.head.request : undefined;
      const index = mark === undefined ? undefined : marks.get(mark);
      if (index !== undefined) taken.add(index);
    }
    if ((events[0]?.at ?? 0) < since - SKEW_MS) break;
  }
  // What was cancelled by it is not to be told from what was cancelled by another: a turn that began since then is left alone.
  if (cancelled) for (const [index, { type }] of inputs.entries()) if (type === 'cancel') taken.add(index);
  return taken;
}
