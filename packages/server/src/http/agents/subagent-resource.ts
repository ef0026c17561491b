/** A sub-agent in the Agents API's form. Pure. */
import type { SubagentView } from '../../engine/subagents/view.ts';
import type { JsonObject } from '../../log/events.ts';

export function subagentResource(view: SubagentView): JsonObject & { readonly id: string } {
  const { id, session, name, parent, instructions, openedAt, closedAt } = view;
  return {
    id,
    object: 'agent.session.subagent',
    session_id: session,
    name,
    parent_agent_id: parent,
    instructions: instructions === null ? null : [{ type: 'output_text', text: instructions }],
    status: closedAt === null ? 'active' : 'closed',
    opened_at: Math.floor(openedAt / 1000),
    closed_at: closedAt === null ? null : Math.floor(closedAt / 1000),
  };
}
