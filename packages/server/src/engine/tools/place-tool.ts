/**
 * L5, of tools: where a call may run and where its data may go is decided before it starts, and is in the log in the same commit as its start. Where no
 * contract in force speaks of it there is nothing to decide, and nothing is written.
 */
import { isJsonObject } from '@perdure/protocol';
import type { EventBody, JsonObject } from '../../log/events.ts';
import { OPEN_NETWORK } from '../../placement/outside.ts';
import type { EngineContext } from '../engine-context.ts';
import { agentOf } from '../placing.ts';
import { mustState } from '../plan.ts';
import type { RunningTurn } from '../turn.ts';
import { placesOf } from './tool-places.ts';
import { scopeOf, type Tool } from './toolbox.ts';

export interface PlacedTool {
  /** What was decided, for the log. */
  readonly events: readonly EventBody[];
  /** What the model is told; null if it may run. */
  readonly refused: string | null;
}

const UNSPOKEN: PlacedTool = { events: [], refused: null };

export function placeTool(
  engine: EngineContext,
  turn: RunningTurn,
  { definition }: Tool,
  args: JsonObject,
  callId: string,
): PlacedTool {
  const { placing } = engine;
  if (turn.agent === null || !placing.speaksOfTools()) return UNSPOKEN;
  const state = mustState(turn.live);
  const { tenant, session, origin, labels, createdAt: startedAt, use } = state;
  const asker = { ...agentOf(state, turn.agent.config), key: turn.principal };
  const subject = { tenant, session, origin, labels, startedAt, use, ...asker };
  const events: EventBody[] = [];
  for (const asked of placesOf(definition, args, scopeOf(state, turn.agent.config, turn.principal))) {
    const place = asked.action === 'egress' ? OPEN_NETWORK : (asked.place ?? turn.live.store.home);
    const decided = placing.run({
      ...subject,
      ...asked,
      place,
      model: turn.base.model,
      requestLabels: turn.labels,
    });
    if (decided === null) continue;
    const { chosen, record, error } = decided;
    const { action } = asked;
    events.push({ type: 'tool.placed', head: { callId, action, chosen, placement: record }, payload: null });
    if (error === null) continue;
    const what = action === 'execute' ? 'this tool run here' : `data go to ${asked.destination.host}`;
    return { events, refused: `The contracts in force do not let ${what}${clausesIn(error.details)}.` };
  }
  return { events, refused: null };
}

/** Names only: the citations are in the record. */
function clausesIn(details: unknown): string {
  const targets: readonly unknown[] =
    isJsonObject(details) && Array.isArray(details['targets']) ? (details['targets'] as readonly unknown[]) : [];
  const ids = targets.flatMap(target =>
    isJsonObject(target) && Array.isArray(target['clauses'])
      ? (target['clauses'] as readonly unknown[]).flatMap(one => (isJsonObject(one) ? [String(one['id'])] : []))
      : [],
  );
  return ids.length === 0 ? '' : ` (${[...new Set(ids)].join(', ')})`;
}
