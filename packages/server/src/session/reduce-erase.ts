/** Payloads that went, or are to go: what the state forgets with them. Pure. */
import type { EnvelopeOf } from '../log/events.ts';
import { forgetUnheard } from './reduce-agent.ts';
import type { SessionState } from './state.ts';

/** @returns why it cannot be, as text */
export function erase(state: SessionState, event: EnvelopeOf<'session.erased'>): SessionState | string {
  const { after, before = event.seq, whole, deferred } = event.head;
  // Stores apply it when its commit is whole: what follows it in the same commit is none of its business.
  if (before > event.seq) return 'it erases what comes after it';
  const metadata = after + 1 === state.metadataSeq && before === after + 2;
  if (state.turn !== null && !metadata && (whole || before > state.turn.inputSeq)) return 'a turn needs it';
  const phase = whole ? 'ended' : state.phase;
  if (deferred === true) return { ...state, phase, unerased: true };
  const part = event.head.before !== undefined;
  return {
    ...forgetUnheard(state, after, before),
    phase,
    erasedAfter: part ? state.erasedAfter : after,
    unerased: part && state.unerased === true,
    documents: state.documents.filter(({ session, seq }) => session !== state.session || seq <= after || seq >= before),
    ...(state.compactions !== undefined && {
      compactions: state.compactions.filter(({ seq }) => seq <= after || seq >= before),
    }),
  };
}
