/** The items of one turn, in the order in which they came, each as it last was. */
import type { TurnRecord } from '../../engine/agent-sessions/turns.ts';
import { turnId } from '../../engine/agent-sessions/find.ts';
import type { JsonObject } from '../../log/events.ts';
import { answersOf, toldItem } from './subagent-items.ts';
import { type AgentItem, callItem, modelItem, outputItem, userItem } from './session-items.ts';

export function turnItems({ row, record, events, pending, agent, subagent }: TurnRecord): readonly AgentItem[] {
  const turn = turnId(row.id);
  const who = subagent?.id ?? agent;
  const inputItem = (item: JsonObject): AgentItem =>
    subagent === null ? userItem(item, turn) : toldItem(item, turn, subagent);
  // By id, in the order of their first mention: a call is shown when it is made, and again with its end.
  const items = new Map<string, AgentItem>(record.input.map(item => [item.id, inputItem(item)]));
  const put = (item: AgentItem | null): void => {
    if (item !== null) items.set(item.id, item);
  };
  // A turn may end before its calls do: those that are not pending any more came to an end later, or with it.
  const settled = (item: AgentItem): AgentItem =>
    row.toSeq === 0 || pending.includes(item.id)
      ? item
      : { ...item, status: row.status === 'completed' ? 'completed' : 'incomplete' };
  for (const { type, json } of events) {
    if (!SHOWN.has(type)) continue;
    const said = JSON.parse(json) as JsonObject;
    switch (type) {
      case 'response.output_item.done':
        put(modelItem(said['item'] as JsonObject, turn));
        break;
      case 'perdure.input':
        for (const item of said['items'] as readonly JsonObject[]) put(inputItem(item));
        break;
      case 'perdure.tool':
        put(settled(callItem(said, turn, who)));
        break;
      default:
        put(callItem(said, turn, who));
        put(outputItem(said, turn));
        answersOf(said, turn, who).forEach(put);
    }
  }
  return [...items.values()];
}

const SHOWN: ReadonlySet<string> = new Set([
  'response.output_item.done',
  'perdure.input',
  'perdure.tool',
  'perdure.tool_done',
]);
