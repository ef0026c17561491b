/** The tools by which an agent has others work for it, and its calls of them as the items of the Agents API. */
import type { JsonObject } from '../log/events.ts';

export const SUBAGENT_TOOL_NAMES = [
  'create_subagent',
  'send_subagent_input',
  'wait_for_subagents',
  'interrupt_subagent',
  'resume_subagent',
  'close_subagent',
] as const;
export type SubagentToolName = (typeof SUBAGENT_TOOL_NAMES)[number];

export interface SubagentTool {
  readonly name: SubagentToolName;
  readonly description: string;
  readonly parameters: JsonObject;
}

export const SUBAGENT_EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

/** Sub-agents that one call waits for. */
export const MOST_WAITED_FOR = 32;

const text = (description: string): JsonObject => ({ type: 'string', description });
const ID = text('The id of the sub-agent.');
const tool = (name: SubagentToolName, description: string, properties: JsonObject, required: readonly string[]) => ({
  name,
  description,
  parameters: { type: 'object', properties, required, additionalProperties: false } satisfies JsonObject,
});

export const SUBAGENT_TOOLS: readonly SubagentTool[] = [
  tool(
    'create_subagent',
    'Have another agent work on a task beside you. It knows nothing but the task. Answers with its id at once.',
    {
      task: text('All that it needs to know.'),
      name: text('What you call it.'),
      model: text('Another model than yours.'),
      reasoning_effort: {
        type: 'string',
        enum: SUBAGENT_EFFORTS,
        description: 'Another effort than yours.',
      },
    },
    ['task'],
  ),
  tool(
    'send_subagent_input',
    'Tell a sub-agent more. It takes it up when it can.',
    { agent_id: ID, input: text('What it is told.') },
    ['agent_id', 'input'],
  ),
  tool(
    'wait_for_subagents',
    'Wait until these sub-agents have finished what they do. Answers with what they said last.',
    {
      agent_ids: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: MOST_WAITED_FOR },
    },
    ['agent_ids'],
  ),
  tool('interrupt_subagent', 'End what a sub-agent does now. It can be told more.', { agent_id: ID }, ['agent_id']),
  tool('resume_subagent', 'Open a closed sub-agent again, with all that it knew.', { agent_id: ID }, ['agent_id']),
  tool('close_subagent', 'Close a sub-agent that you need no more, and those that it made.', { agent_id: ID }, [
    'agent_id',
  ]),
];

export function isSubagentTool(name: string): name is SubagentToolName {
  return (SUBAGENT_TOOL_NAMES as readonly string[]).includes(name);
}

export interface SubagentCall {
  readonly id: string;
  readonly name: SubagentToolName;
  /** As the model wrote them: nothing of them is certain. */
  readonly arguments: JsonObject;
  readonly status: 'in_progress' | 'completed' | 'failed' | 'incomplete';
  readonly turn: string;
  /** Whose call it is. */
  readonly agent: string;
}

/** The call in wire form: every field is there, whatever the model wrote. */
export function subagentCallItem({ id, name, arguments: args, status, turn, agent }: SubagentCall): JsonObject {
  const shared = { id, status, turn_id: turn };
  const recipient = { sender_agent_id: agent, recipient_agent_id: said(args['agent_id']) ?? '' };
  switch (name) {
    case 'create_subagent':
      return {
        ...shared,
        type: 'create_subagent_call',
        agent_id: agent,
        content: content(args['task']),
        model: said(args['model']),
        reasoning_effort: said(args['reasoning_effort']),
      };
    case 'send_subagent_input':
      return { ...shared, type: 'send_subagent_input_call', ...recipient, content: content(args['input']) };
    case 'wait_for_subagents':
      return {
        ...shared,
        type: 'wait_for_subagents_call',
        sender_agent_id: agent,
        recipient_agent_ids: idsOf(args['agent_ids']),
      };
    case 'interrupt_subagent':
      return { ...shared, type: 'interrupt_subagent_call', ...recipient };
    case 'resume_subagent':
      return { ...shared, type: 'resume_subagent_call', ...recipient };
    case 'close_subagent':
      return { ...shared, type: 'close_subagent_call', ...recipient };
  }
}

function said(value: JsonObject[string] | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function content(value: JsonObject[string] | undefined): readonly JsonObject[] {
  return typeof value === 'string' ? [{ type: 'output_text', text: value }] : [];
}

function idsOf(value: JsonObject[string] | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
