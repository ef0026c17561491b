/** What agents do with each other, as items of the Agents API. Pure. */
import { parseArguments } from '../../engine/tools/arguments.ts';
import type { TurnOfSubagent } from '../../engine/agent-sessions/turns.ts';
import type { Json, JsonObject } from '../../log/events.ts';
import { isSubagentTool, subagentCallItem } from '../../tool/subagent-calls.ts';
import type { AgentItem } from './session-items.ts';

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

/** Of a `perdure.tool` or `perdure.tool_done` fact. */
export function isSubagentCall(fact: JsonObject): boolean {
  return (fact['origin'] as JsonObject)['kind'] === 'builtin' && isSubagentTool(text(fact['name']));
}

/** @param agent whose call it is */
export function subagentCall(
  fact: JsonObject,
  status: 'in_progress' | 'completed' | 'failed',
  turn: string,
  agent: string,
): AgentItem {
  const name = text(fact['name']);
  if (!isSubagentTool(name)) throw new TypeError(`${name} is no tool of sub-agents`);
  const args = parseArguments(text(fact['arguments'])) ?? {};
  const id = text(fact['item_id']);
  // Written by `subagentCallItem`, which gives every item its id and type.
  return subagentCallItem({ id, name, arguments: args, status, turn, agent }) as AgentItem;
}

/** What sub-agents said to the agent that waited for them: of a `perdure.tool_done` fact. */
export function answersOf(fact: JsonObject, turn: string, agent: string): readonly AgentItem[] {
  if (fact['name'] !== 'wait_for_subagents' || fact['code'] !== null || !isSubagentCall(fact)) return [];
  const output = fact['output'] as JsonObject | null;
  const { agents } = parseArguments(text(output?.['output'])) ?? {};
  return (Array.isArray(agents) ? (agents as readonly JsonObject[]) : []).flatMap((one, index): AgentItem[] => {
    const said = one['message'];
    if (typeof said !== 'string') return [];
    const id = `${text(output?.['id'])}${index}`;
    return [agentMessage(id, said, { from: text(one['agent_id']), to: agent }, turn)];
  });
}

/** Input of a sub-agent: what another agent told it. */
export function toldItem(item: JsonObject, turn: string, { id: to, from }: TurnOfSubagent): AgentItem {
  const parts = Array.isArray(item['content']) ? (item['content'] as readonly JsonObject[]) : [];
  return agentMessage(text(item['id']), parts.map(part => text(part['text'])).join('\n'), { from, to }, turn);
}

function agentMessage(
  id: string,
  said: string,
  { from, to }: { readonly from: string; readonly to: string },
  turn: string,
): AgentItem {
  return {
    type: 'agent_message',
    id,
    content: [{ type: 'output_text', text: said }],
    sender_agent_id: from,
    recipient_agent_id: to,
    turn_id: turn,
  };
}
