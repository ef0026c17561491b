/** Labels go with what agents tell each other (L8): whoever reads has them before what he reads is written down. */
import { perdureError } from '@perdure/protocol';
import { union } from '../../kernel/union.ts';
import { actorOf, type Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { agentOf } from '../placing.ts';
import { mustState } from '../plan.ts';
import { recordRefusal } from '../refusal.ts';
import { commitClaimed } from '../claim.ts';

/** @throws label_not_allowed_here: then nothing is written, and what has the labels must not be read */
export async function growLabels(
  engine: EngineContext,
  caller: Caller,
  live: LiveSession,
  labels: readonly string[],
): Promise<void> {
  const missing = (): readonly string[] => labels.filter(label => !mustState(live).labels.includes(label));
  if (missing().length === 0) return;
  await engine.sessions.exclusive(live, async () => {
    const { tenant, session, origin, createdAt: startedAt, use, home, labels: known, turn } = mustState(live);
    const asker = { ...agentOf(mustState(live)), key: caller.principal };
    const all = union(known, labels);
    const subject = { tenant, session, origin, labels: all, startedAt, use, ...asker, model: turn?.model ?? '' };
    const placed = engine.placing.stateAt(subject, home);
    if (!placed.ok) {
      const error = perdureError('label_not_allowed_here', placed.error.message);
      throw await recordRefusal(engine, caller, live.store, { ...placed, error, subject: session, origin });
    }
    const head = { labels: missing() };
    await commitClaimed(engine, live, [{ type: 'session.labelled', head, payload: null }], actorOf(caller));
  });
}
