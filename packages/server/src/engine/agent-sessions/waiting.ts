/**
 * What waits for a turn when one begins: results of calls that came late, then messages that a turn ended without.
 *
 * N4  A message that was queued is taken by one turn: the one that was open, or, if that failed or was cancelled before the model could take it, the next.
 *     It is in the input of that one like any other: if that fails too, no turn has it again.
 */
import type { NewItem } from '@perdure/protocol';
import type { EventBody, HeadOf, LoggedItem } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
import { eventAt } from '../event-at.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { type Answer, lateResults } from './late-results.ts';

/** What a turn that begins takes of it. */
export interface Waiting {
  /** Said before its input. */
  readonly bodies: readonly EventBody[];
  /** Part of its `input.accepted`. */
  readonly head: Pick<HeadOf<'input.accepted'>, 'results' | 'queued'>;
  /** They come before all other input. */
  readonly items: readonly NewItem[];
}

/** Call it with no turn open. @param answer that has just come */
export async function whatWaits(engine: EngineContext, live: LiveSession, answer: Answer | null): Promise<Waiting> {
  const { bodies, results, items: given } = await lateResults(engine, live, answer);
  const items: LoggedItem[] = [];
  const queued = (mustState(live).unheard?.inputs ?? []).map(({ seq }) => seq);
  for (const seq of queued) items.push(...((await eventAt(engine, live, seq, 'input.queued'))?.payload?.items ?? []));
  return {
    bodies,
    head: { ...(results.length > 0 && { results }), ...(queued.length > 0 && { queued }) },
    items: [...given, ...(items as unknown as readonly NewItem[])],
  };
}
