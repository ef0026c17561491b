/** Sessions of agents, their turns, items and events, as they are answered. */
import * as z from 'zod';
import { freeObject, metadata } from '../parse.ts';

const id = z.string().min(1);
const seconds = z.int().min(0);
const count = z.int().min(0);

export const tokenUsageSchema: z.ZodType = z.object({
  input_tokens: count,
  input_tokens_details: z.object({ cached_tokens: count }),
  output_tokens: count,
  output_tokens_details: z.object({ reasoning_tokens: count }),
  total_tokens: count,
});

const call = { turn_id: id, call_id: id, name: z.string(), arguments: z.unknown() };
const asked = { ...call, approval_id: id, expires_at: seconds, about: freeObject.optional() };
const requiredAction = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('function_call'), ...call }),
  z.strictObject({ type: z.literal('environment_connection'), environment_id: id }),
  z.strictObject({ type: z.literal('perdure.approval_request'), ...asked }),
  z.strictObject({ type: z.literal('perdure.outcome_unknown'), ...asked }),
]);

/** `GET /v1/agents/sessions/{id}`. */
export const agentSessionSchema: z.ZodType = z.strictObject({
  id,
  object: z.literal('agent.session'),
  agent: z.object({
    id,
    name: z.string().nullable(),
    model: z.string(),
    instructions: z.string().nullable(),
    reasoning: freeObject,
    service_tier: z.string(),
    text: freeObject,
    tools: z.array(freeObject),
    multi_agent: freeObject,
    compaction: freeObject,
    experimental: freeObject,
  }),
  environment: z.object({ type: z.string() }).loose(),
  status: z.enum(['idle', 'in_progress', 'requires_action', 'failed']),
  error: z.string().nullable(),
  required_actions: z.array(requiredAction),
  metadata,
  created_at: seconds,
  last_active_at: seconds,
  usage: tokenUsageSchema.nullable(),
  vault_ids: z.array(id),
  review: z.enum(['auto_review']).optional(),
  spend_control: z.strictObject({ limit: count, consumed: count.nullable() }).optional(),
});

export const agentSessionDeletedSchema: z.ZodType = z.strictObject({
  id,
  object: z.literal('agent.session.deleted'),
  deleted: z.literal(true),
});

export const agentTurnSchema: z.ZodType = z.strictObject({
  id,
  object: z.literal('agent.session.turn'),
  session_id: id,
  agent_id: id,
  subagent_id: id.nullable(),
  status: z.enum(['queued', 'in_progress', 'waiting', 'completed', 'failed', 'cancelled']),
  created_at: seconds,
  started_at: seconds.nullable(),
  completed_at: seconds.nullable(),
  error: z
    .strictObject({
      code: z.enum([
        'context_length_exceeded',
        'max_output_tokens',
        'session_budget_exceeded',
        'project_spend_limit_exceeded',
        'rate_limit_exceeded',
        'server_overloaded',
        'misalignment_policy_violation',
        'connection_failed',
        'server_error',
        'invalid_request',
        'resource_not_found',
        'request_timeout',
        'internal_error',
      ]),
      message: z.string().min(1),
    })
    .nullable(),
  usage: tokenUsageSchema.nullable(),
});

const agentContent = z.array(z.strictObject({ type: z.literal('output_text'), text: z.string() }));

/** A sub-agent of a session. */
export const subagentSchema: z.ZodType = z.strictObject({
  id,
  object: z.literal('agent.session.subagent'),
  session_id: id,
  parent_agent_id: id,
  name: z.string().nullable(),
  instructions: agentContent.nullable(),
  status: z.enum(['active', 'closed']),
  opened_at: seconds,
  closed_at: seconds.nullable(),
});

const callStatus = z.enum(['in_progress', 'completed', 'failed', 'incomplete']);
const outputStatus = z.enum(['in_progress', 'completed', 'incomplete']);
const textPart = z.strictObject({ type: z.literal('output_text'), text: z.string() });
const summaryPart = z.strictObject({ type: z.literal('summary_text'), text: z.string() });
const inputPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('input_text'), text: z.string() }),
  z.strictObject({ type: z.literal('input_image'), image_url: z.string() }),
]);
const item = { id, turn_id: id };
/** Of a call that a program made. The Agents API has no such field; its kin in the Responses API do. */
const caller = z.strictObject({ type: z.literal('program'), caller_id: id }).optional();
/** As the model wrote it: it may name nobody. */
const between = { sender_agent_id: id, recipient_agent_id: z.string() };

export const agentItemSchema: z.ZodType = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('message'),
    ...item,
    role: z.enum(['user', 'assistant']),
    status: outputStatus,
    content: z.array(z.union([textPart, inputPart])),
    phase: z.enum(['commentary', 'final_answer']).nullable(),
  }),
  z.strictObject({
    type: z.literal('reasoning'),
    ...item,
    status: outputStatus.nullable(),
    summary: z.array(summaryPart),
  }),
  z.strictObject({
    type: z.literal('function_call'),
    ...item,
    status: callStatus,
    call_id: id,
    name: z.string(),
    arguments: z.unknown(),
    caller,
  }),
  z.strictObject({
    type: z.literal('function_call_output'),
    ...item,
    status: callStatus,
    call_id: id,
    output: z.union([z.string(), z.array(inputPart)]).nullable(),
    error: z.string().nullable(),
    caller,
  }),
  z.strictObject({
    type: z.literal('mcp_call'),
    ...item,
    status: callStatus,
    server_label: z.string(),
    name: z.string(),
    arguments: z.unknown(),
    output: z.unknown(),
    error: z.unknown(),
    caller,
  }),
  z.strictObject({
    type: z.literal('command_execution'),
    ...item,
    status: callStatus,
    command: z.string(),
    cwd: z.string().nullable(),
    exit_code: z.int().nullable(),
    duration_ms: z.number().nullable(),
    output: z.string().nullable(),
    caller,
  }),
  z.strictObject({
    type: z.literal('create_subagent_call'),
    ...item,
    status: callStatus,
    agent_id: id,
    content: agentContent,
    model: z.string().nullable(),
    reasoning_effort: z.string().nullable(),
  }),
  z.strictObject({
    type: z.literal('send_subagent_input_call'),
    ...item,
    status: callStatus,
    ...between,
    content: agentContent,
  }),
  z.strictObject({
    type: z.literal('wait_for_subagents_call'),
    ...item,
    status: callStatus,
    sender_agent_id: id,
    recipient_agent_ids: z.array(z.string()),
  }),
  z.strictObject({ type: z.literal('interrupt_subagent_call'), ...item, status: callStatus, ...between }),
  z.strictObject({ type: z.literal('resume_subagent_call'), ...item, status: callStatus, ...between }),
  z.strictObject({ type: z.literal('close_subagent_call'), ...item, status: callStatus, ...between }),
  z.strictObject({ type: z.literal('agent_message'), ...item, ...between, content: agentContent }),
]);

const of = { event_id: id, session_id: id, turn_id: id };
const at = { ...of, item_id: id, output_index: count };
const session = (name: string): z.ZodObject =>
  z.strictObject({ type: z.literal(name), event_id: id, session: agentSessionSchema });
const subagent = (name: string): z.ZodObject =>
  z.strictObject({ type: z.literal(name), event_id: id, subagent: subagentSchema });
const turn = (name: string): z.ZodObject => z.strictObject({ type: z.literal(name), ...of, turn: agentTurnSchema });
const ended = (name: string): z.ZodObject =>
  z.strictObject({ type: z.literal(name), ...of, turn: agentTurnSchema, usage: tokenUsageSchema.nullable() });
const text = (name: string, more: z.ZodRawShape): z.ZodObject =>
  z.strictObject({ type: z.literal(name), ...at, ...more });
const content = { content_index: count };
const summary = { summary_index: count };

const outside = { event_id: id, session_id: id, turn_id: id.nullable() };
const environmentState = z.strictObject({
  id,
  error: z.strictObject({ code: z.string(), message: z.string(), type: z.string() }).nullable(),
  status: z.enum(['pending', 'ready', 'connected', 'disconnected', 'suspended', 'expired', 'failed']),
  type: z.string(),
});
const environment = (status: string): z.ZodObject =>
  z.strictObject({
    type: z.literal(`agent.session.environment.${status}`),
    ...outside,
    environment: environmentState,
  });

/** An event of a session's stream. */
export const agentSessionEventSchema: z.ZodType = z.union([
  session('agent.session.created'),
  session('agent.session.in_progress'),
  session('agent.session.requires_action'),
  session('agent.session.idle'),
  session('agent.session.failed'),
  turn('agent.session.turn.created'),
  turn('agent.session.turn.in_progress'),
  ended('agent.session.turn.completed'),
  ended('agent.session.turn.failed'),
  ended('agent.session.turn.cancelled'),
  z.strictObject({
    type: z.literal('agent.session.turn.item.added'),
    ...of,
    item: agentItemSchema,
    output_index: count.nullable(),
  }),
  z.strictObject({
    type: z.literal('agent.session.turn.item.done'),
    ...of,
    item: agentItemSchema,
    output_index: count,
  }),
  text('agent.session.turn.content_part.added', { ...content, part: textPart }),
  text('agent.session.turn.content_part.done', { ...content, part: textPart }),
  text('agent.session.turn.output_text.delta', { ...content, delta: z.string() }),
  text('agent.session.turn.output_text.done', { ...content, text: z.string() }),
  text('agent.session.turn.reasoning_summary_part.added', { ...summary, part: summaryPart }),
  text('agent.session.turn.reasoning_summary_part.done', { ...summary, part: summaryPart, status: z.null() }),
  text('agent.session.turn.reasoning_summary_text.delta', { ...summary, delta: z.string() }),
  text('agent.session.turn.reasoning_summary_text.done', { ...summary, text: z.string() }),
  text('agent.output.command_execution_output.delta', { delta: z.string() }),
  environment('pending'),
  environment('ready'),
  environment('connected'),
  environment('disconnected'),
  environment('suspended'),
  environment('expired'),
  environment('failed'),
  z.strictObject({
    type: z.literal('agent.session.environment.reset'),
    ...outside,
    environment_id: id,
    reset_count: count,
  }),
  subagent('agent.session.subagent.created'),
  subagent('agent.session.subagent.active'),
  subagent('agent.session.subagent.closed'),
]);
