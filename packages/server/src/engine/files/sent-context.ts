/** What a model is sent of a session's context. */
import { fitContext } from '../compaction/measure.ts';
import type { EngineContext } from '../engine-context.ts';
import type { ContextRun } from '../ports.ts';
import type { RunningTurn } from '../turn.ts';
import { resolveContext } from './resolve.ts';

/** What the call is sent: cut if it may be, with the files that it names. */
export function sentContext(engine: EngineContext, turn: RunningTurn): Promise<readonly ContextRun[]> {
  const truncation = turn.base.settings['truncation'] === 'auto' ? 'auto' : 'disabled';
  const sent = { model: turn.base.model, context: turn.live.context.runs, settings: turn.call };
  return resolveContext(engine, turn.live, fitContext(engine, sent, truncation));
}
