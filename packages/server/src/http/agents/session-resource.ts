/** A session in the Agents API's form. Pure. */
import type { SessionView } from '../../engine/agent-sessions/view.ts';
import { usageResource } from '../../engine/turn.ts';
import type { JsonObject } from '../../log/events.ts';
import { shownArguments } from './session-items.ts';

export function sessionResource(
  view: SessionView,
  status: string = view.status,
  actions: readonly JsonObject[] = view.actions.map(action => requiredAction(action, view.turn ?? '')),
): JsonObject {
  const { config } = view;
  return {
    id: view.id,
    object: 'agent.session',
    agent: config.agent,
    environment: config.environment,
    status,
    error: null,
    required_actions: actions,
    metadata: view.metadata,
    created_at: Math.floor(view.createdAt / 1000),
    last_active_at: Math.floor(view.updatedAt / 1000),
    usage: view.usage === null ? null : usageResource(view.usage),
    vault_ids: config.vaultIds,
    ...(config.review !== 'none' && { review: config.review }),
    ...(config.spendLimit !== null && { spend_control: { limit: config.spendLimit, consumed: view.consumed } }),
  };
}

/** What a session waits for. Ours that the API has no form for have one of their own, and are answered at `/perdure/v1/approvals/{id}`. */
export function requiredAction(action: JsonObject, turn: string): JsonObject {
  const call = {
    // Of a sub-agent's the turn is its own.
    turn_id: action['turn'] ?? turn,
    call_id: action['call_id'] ?? '',
    name: action['name'] ?? '',
    arguments: shownArguments(action),
  };
  if (action['kind'] === 'environment_connection')
    return { type: 'environment_connection', environment_id: action['environment_id'] ?? '' };
  if (action['kind'] === 'function_call') return { type: 'function_call', ...call };
  return {
    type: action['why'] === 'outcome_unknown' ? 'perdure.outcome_unknown' : 'perdure.approval_request',
    ...call,
    approval_id: action['approval'] ?? '',
    expires_at: Math.floor(Number(action['expiresAt'] ?? 0) / 1000),
    ...(action['about'] != null && { about: action['about'] }),
  };
}
