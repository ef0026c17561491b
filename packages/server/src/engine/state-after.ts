/** What a running turn's session will be once events are committed. */
import type { EventBody } from '../log/events.ts';
import { reduceAll } from '../session/reduce.ts';
import type { SessionState } from '../session/state.ts';
import type { Prepared } from './chain.ts';
import type { RunningTurn } from './turn.ts';

/** @throws if they cannot follow */
export function stateAfter(turn: RunningTurn, bodies: readonly EventBody[]): SessionState {
  const state = turn.live.state;
  if (state === null) throw new Error('the session has no state');
  let seq = state.seq;
  const { tenant, session, epoch, updatedAt: at } = state;
  const envelopes = bodies.map(
    ({ type, head }) =>
      ({ tenant, session, epoch, at, actor: 'engine', seq: ++seq, type, head }) as Prepared['envelopes'][number],
  );
  const reduced = reduceAll(state, envelopes);
  if (!reduced.ok) throw new Error(reduced.message);
  return reduced.state;
}
