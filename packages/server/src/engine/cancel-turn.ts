/**
 * The end of a turn that somebody cancels. The turn itself writes it, as it writes every other end: whichever of the two is in the log first
 * is the end (L7), and nothing is on its way to a reader meanwhile.
 */
import type { EventBody } from '../log/events.ts';
import type { Step } from '../log/steps.ts';
import { cancelledCall } from './cut-call.ts';
import type { EngineContext } from './engine-context.ts';
import { killPoint } from './kill-point.ts';
import { mustState } from './plan.ts';
import type { RunningTurn } from './turn.ts';

export interface CancelledAt {
  /** What must come before it in the same commit: the claim of a process that takes over. */
  readonly before?: readonly EventBody[];
  /** Whether the upstream of the call in flight may have been asked. */
  readonly asked: boolean;
  /** What became durable of the call in flight. */
  readonly released: readonly Step[];
  /** Whether this process has yet to show what was released: it took the turn over. */
  readonly show?: true;
}

/** One commit ends the call and the turn; only then do readers and whoever cancelled learn of it (L2). */
export async function endCancelled(engine: EngineContext, turn: RunningTurn, at: CancelledAt): Promise<void> {
  const open = mustState(turn.live).turn;
  const bodies: EventBody[] = [...(at.before ?? [])];
  const call = open?.call ?? null;
  const cut = open === null || call === null ? null : cancelledCall(turn, { ...open, call }, at.asked, at.released);
  if (cut !== null) bodies.push(cut.body);
  bodies.push({ type: 'turn.cancelled', head: { response: turn.base.id }, payload: null });
  killPoint('cancel.before-commit');
  await engine.sessions.commit(turn.live, bodies, { actor: turn.cancelledBy ?? 'engine', prune: true });
  killPoint('cancel.after-commit');
  engine.sessions.grew(turn.live.context.dropAfter(open?.from ?? 0));
  if (cut !== null) turn.broadcast.publish(at.show === true ? [...cut.shown, ...cut.unshown] : cut.unshown);
  const resource = turn.resource('cancelled');
  // The clients know no event of this name: the last event is the one that ends what is not whole, and its response says `cancelled`.
  turn.broadcast.publish(() => [turn.event('response.incomplete', resource)]);
  turn.broadcast.end();
  turn.finish.resolve(resource);
}
