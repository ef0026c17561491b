/** A turn in the Agents API's form. Pure. */
import type { JsonObject } from '../../log/events.ts';

export interface TurnPlace {
  readonly turn: string;
  readonly session: string;
  readonly agent: string;
  readonly status: string;
  /** ms since 1970; null while it is open. */
  readonly endedAt: number | null;
  /** The id of the sub-agent whose turn it is. */
  readonly subagent: string | null;
}

/** @param response the response that the turn made, in wire form, as it stands */
export function turnResource(
  response: JsonObject,
  { turn, session, agent, status, endedAt, subagent }: TurnPlace,
): JsonObject {
  const created = response['created_at'] ?? 0;
  const ended = status === 'completed' || status === 'failed' || status === 'cancelled';
  const at = response['completed_at'] ?? (endedAt === null ? null : Math.floor(endedAt / 1000));
  return {
    id: turn,
    object: 'agent.session.turn',
    session_id: session,
    agent_id: agent,
    subagent_id: subagent,
    status,
    created_at: created,
    started_at: created,
    completed_at: ended ? (at ?? created) : null,
    error: status === 'failed' ? turnError(response) : null,
    usage: response['usage'] ?? null,
  };
}

/** How a response's status is that of its turn. */
export function turnStatus(response: JsonObject, waits: boolean): string {
  if (waits) return 'waiting';
  const status = response['status'];
  if (status === 'incomplete') return 'failed';
  return typeof status === 'string' ? status : 'in_progress';
}

/** Why a turn failed: the API knows no other codes. Null if it did not. */
export function turnError(response: JsonObject): JsonObject | null {
  const error = response['error'] as JsonObject | null | undefined;
  if (error != null) {
    const code = typeof error['code'] === 'string' ? error['code'] : '';
    const message = typeof error['message'] === 'string' ? error['message'] : '';
    const known = CODES[code] ?? 'internal_error';
    return { code: known, message: known === 'invalid_request' ? `${code}: ${message}` : message };
  }
  const why = (response['incomplete_details'] as JsonObject | null | undefined)?.['reason'];
  if (response['status'] === 'cancelled' || why == null) return null;
  if (why === 'content_filter')
    return { code: 'misalignment_policy_violation', message: 'The output was blocked by a content filter.' };
  return { code: 'max_output_tokens', message: 'The model reached its limit of output tokens.' };
}

const CODES: { readonly [code: string]: string } = {
  placement_refused: 'invalid_request',
  no_contract_in_force: 'invalid_request',
  home_not_permitted: 'invalid_request',
  label_not_allowed_here: 'invalid_request',
  upstream_rejected: 'invalid_request',
  upstream_invalid_request: 'invalid_request',
  egress_denied: 'invalid_request',
  unsupported_content: 'invalid_request',
  model_not_found: 'resource_not_found',
  no_target_available: 'server_overloaded',
  session_budget_exceeded: 'session_budget_exceeded',
  turn_limit_reached: 'session_budget_exceeded',
  spend_cap_reached: 'project_spend_limit_exceeded',
  output_cut: 'max_output_tokens',
  context_length_exceeded: 'context_length_exceeded',
  rate_limit_exceeded: 'rate_limit_exceeded',
  upstream_rate_limited: 'rate_limit_exceeded',
  upstream_timeout: 'request_timeout',
  deadline_exceeded: 'request_timeout',
  upstream_interrupted: 'connection_failed',
  upstream_error: 'server_error',
};
