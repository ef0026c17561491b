/** The part of the reducer that is about compactions of the context. */
import type { EnvelopeOf } from '../log/events.ts';
import type { SessionState, TurnState } from './state.ts';

/** The purpose of calls that compact a context. */
export const COMPACTION = 'compaction';

export function compactContext(state: SessionState, event: EnvelopeOf<'context.compacted'>): SessionState | string {
  const { to, count, final } = event.head;
  const turn = state.turn;
  if (turn === null) return 'no turn is open';
  if (turn.compaction === 'done' || turn.outcome !== null) return 'too late in the turn';
  if (count < 1) return 'it has no item of its own';
  if (to > state.position || to < (state.compacted?.to ?? 0)) return 'it stands for what is not there';
  const compacted = { session: state.session, seq: event.seq, position: state.position + 1, to };
  const after: TurnState = {
    ...turn,
    compaction: 'done',
    failures: 0,
    outcome: final ? { status: 'completed', reason: null } : null,
  };
  const compactions = [...(state.compactions ?? []), { seq: event.seq, to }];
  const position = state.position + count;
  return { ...state, compacted, compactions, position, turn: after, phase: final ? 'called' : state.phase };
}

/** A compaction that an item was taken from stands for what must not be seen: the context is read from its beginning again. */
export function withoutStale(state: SessionState, deleted: number): SessionState {
  const compacted = state.compacted ?? null;
  if (compacted === null || (deleted > compacted.to && deleted !== compacted.position)) return state;
  return { ...state, compacted: null };
}
