/** Input that came while a turn ran takes its place: after what the model has said, before it is asked again. */
import { itemId } from '../../kernel/ids.ts';
import type { LoggedItem } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
import { eventAt } from '../event-at.ts';
import { filesIn } from '../files/parts.ts';
import { killPoint } from '../kill-point.ts';
import { mustState } from '../plan.ts';
import type { RunningTurn } from '../turn.ts';

export async function steer(engine: EngineContext, turn: RunningTurn): Promise<void> {
  const { live } = turn;
  const queued = mustState(live).turn?.queued ?? [];
  const items: LoggedItem[] = [];
  let index = turn.agent?.fold.inputs ?? 0;
  for (const { seq } of queued) {
    const event = await eventAt(engine, live, seq, 'input.queued', 'tool.answered');
    // Part 0 of a turn is its input.
    for (const item of event?.payload?.items ?? []) items.push({ ...item, id: itemId('msg', turn.body, 0, index++) });
  }
  killPoint('steer.before-commit');
  const head = { entries: queued.length, count: items.length, ...filesIn(items) };
  await engine.sessions.commit(live, [{ type: 'input.steered', head, payload: { items } }], { actor: 'engine' });
  turn.boundary.asked = (mustState(live).turn?.queued?.length ?? 0) > 0;
}
