/** A turn that waits for people leaves the process: what it waits for is rows (L4). Whoever reads it goes on from the log. */
import type { EngineContext } from '../engine-context.ts';
import type { RunningTurn } from '../turn.ts';

export function park(engine: EngineContext, turn: RunningTurn): void {
  if (turn.agent === null) return;
  const { state } = turn.live;
  if (state?.turn?.response === turn.base.id && state.phase === 'waiting') {
    turn.broadcast.end();
    turn.finish.resolve(turn.resource('in_progress'));
  }
  for (const source of engine.tools.sources) void source.release(turn.live.session).catch(() => undefined);
  engine.sessions.rest(turn.live);
  engine.hub.wake(turn.live.session);
}
