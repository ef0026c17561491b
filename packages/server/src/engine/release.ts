/** Pulls a call's steps; makes them durable in groups and only then shows them (L2). */
import { perdureError } from '@perdure/protocol';
import type { Step, StepEnd } from '../log/steps.ts';
import type { OutputBuilder, WireEvent } from '../session/output.ts';
import type { EngineContext } from './engine-context.ts';
import { killPoint } from './kill-point.ts';
import type { RunningTurn } from './turn.ts';

/** Steps that may wait for a commit before the upstream is no longer pulled. */
const MAX_WAITING_STEPS = 512;

export interface ReleaseInput {
  readonly steps: AsyncIterable<readonly Step[]>;
  readonly builder: OutputBuilder;
  /** Filled with every step that became durable: what the rule of cut calls looks at. */
  readonly released: Step[];
}

/**
 * Runs the call to its end. Without a streaming reader nothing is journalled: there is nothing that could be retracted.
 * The next commit begins when the last returns, so a group is what arrived meanwhile.
 * @returns the end, and the events that only the final commit makes durable
 */
export async function streamReleased(
  engine: EngineContext,
  turn: RunningTurn,
  call: number,
  input: ReleaseInput,
): Promise<{ readonly end: StepEnd; readonly unshown: readonly WireEvent[] }> {
  const { steps, builder, released } = input;
  const streamed = turn.live.state?.turn?.streamed ?? false;
  let events: WireEvent[] = [];
  let waiting: Step[] = [];
  let end: StepEnd | null = null;
  let commit: Promise<void> | null = null;
  let problem: unknown = null;

  const release = async (): Promise<void> => {
    while (waiting.length > 0 && problem === null) {
      const group = waiting;
      const shown = events;
      waiting = [];
      events = [];
      killPoint('call.before-release');
      const { tenant, session, store, state } = turn.live;
      const text = JSON.stringify(group);
      const kept = await engine.sessions.wait(
        store.release({ tenant, session, epoch: state?.epoch ?? 0, call, steps: text }),
      );
      if (!kept) throw perdureError('store_unavailable', 'The session is held by another process now.');
      killPoint('call.after-release');
      released.push(...group);
      turn.broadcast.publish(shown);
    }
  };

  const pull = async (batch: readonly Step[]): Promise<void> => {
    for (const one of batch) {
      if (one.type === 'end') {
        end = one;
        continue;
      }
      builder.push(one, events);
      if (streamed) waiting.push(one);
    }
    if (!streamed) return;
    if (released.length === 0 && commit === null) killPoint('call.first-step');
    // The last group rides on the commit that ends the call.
    if (end !== null) return;
    commit ??= release()
      .catch(error => {
        problem = error;
      })
      .finally(() => {
        commit = null;
      });
    if (waiting.length > MAX_WAITING_STEPS) await commit;
    await turn.broadcast.settled(engine.limits.patienceMs);
  };

  try {
    for await (const batch of steps) {
      if (problem !== null) break;
      await pull(batch);
    }
  } finally {
    // Also after a failure: what is on its way to the disk will have been shown, and counts as released.
    await commit;
  }
  if (problem !== null) throw problem;
  if (end === null)
    throw perdureError('internal_error', undefined, { cause: new Error('a provider ended without an end') });
  return { end, unshown: streamed ? events : [] };
}
