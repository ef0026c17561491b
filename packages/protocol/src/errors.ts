/**
 * The error catalogue: each way in which a request can fail, under a stable code. Callers switch on `code`; `next` says
 * what helps. PROTOCOL.md repeats this table and a test compares them.
 */

/** What happens next: who can change the outcome, and how. */
export type NextStep =
  /** The same request fails again: change it. */
  | 'fix-request'
  /** Safe to send again at once. */
  | 'retry'
  /** Send again after the time in `retry-after`. */
  | 'retry-after'
  /** Someone who runs this server must change something: a key, a contract, a disk. */
  | 'ask-operator'
  /** This turn or call is over; its outcome stands. */
  | 'terminal';

/** The `type` of OpenAI's error envelope. Every mistake of the caller is `invalid_request_error`, as clients expect. */
export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'server_error';

export interface ErrorEntry {
  /** HTTP status, unless the error itself says another (`upstream_rejected`). */
  readonly status: number;
  readonly type: ErrorType;
  readonly next: NextStep;
  /** One sentence: the default message, and the row in the documentation. */
  readonly summary: string;
}

export type ErrorCode =
  | 'invalid_json'
  | 'invalid_request'
  | 'invalid_request_error'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'unsupported_parameter'
  | 'unsupported_content'
  | 'mutually_exclusive_parameters'
  | 'missing_api_key'
  | 'invalid_api_key'
  | 'insufficient_scope'
  | 'first_key_not_admin'
  | 'invalid_signature'
  | 'signature_expired'
  | 'signature_not_allowed'
  | 'host_not_allowed'
  | 'origin_not_allowed'
  | 'not_found'
  | 'method_not_allowed'
  | 'model_not_found'
  | 'previous_response_not_found'
  | 'response_not_found'
  | 'conversation_not_found'
  | 'prompt_not_found'
  | 'prompt_variable_missing'
  | 'prompt_variable_unknown'
  | 'prompt_variable_not_text'
  | 'item_not_found'
  | 'session_not_found'
  | 'turn_not_found'
  | 'subagent_not_found'
  | 'approval_not_found'
  | 'approval_not_open'
  | 'session_running'
  | 'session_not_idle'
  | 'session_queue_full'
  | 'session_budget_exceeded'
  | 'turn_limit_reached'
  | 'output_cut'
  | 'webhook_not_found'
  | 'webhook_limit_reached'
  | 'placement_not_found'
  | 'file_not_found'
  | 'file_too_large'
  | 'file_quota_exceeded'
  | 'file_type_not_allowed'
  | 'automation_not_found'
  | 'invocation_not_found'
  | 'automation_limit_reached'
  | 'environment_not_found'
  | 'environment_template_not_found'
  | 'environment_not_ready'
  | 'environment_expired'
  | 'environment_disconnected'
  | 'environment_quota_exceeded'
  | 'environments_unavailable'
  | 'worker_already_connected'
  | 'artifact_not_found'
  | 'egress_denied'
  | 'workspace_path_refused'
  | 'workspace_quota_exceeded'
  | 'workspace_file_too_large'
  | 'workspace_busy'
  | 'snapshot_not_found'
  | 'network_not_offered'
  | 'isolation_unavailable'
  | 'fetch_failed'
  | 'mcp_server_not_allowed'
  | 'mcp_server_unavailable'
  | 'conversation_locked'
  | 'response_in_progress'
  | 'response_not_cancellable'
  | 'fork_depth_exceeded'
  | 'tool_output_missing'
  | 'tool_call_not_found'
  | 'idempotency_key_reused'
  | 'idempotency_completed'
  | 'idempotency_in_progress'
  | 'idempotency_outcome_unknown'
  | 'session_product_mismatch'
  | 'placement_refused'
  | 'no_contract_in_force'
  | 'home_not_permitted'
  | 'label_not_allowed_here'
  | 'contracts_invalid'
  | 'activation_not_found'
  | 'waiver_not_found'
  | 'contract_event_not_found'
  | 'settings_not_found'
  | 'hold_not_found'
  | 'hold_subject_not_found'
  | 'agent_not_found'
  | 'agent_version_not_found'
  | 'vault_not_found'
  | 'credential_not_found'
  | 'credential_ambiguous'
  | 'credential_unusable'
  | 'quota_exceeded'
  | 'right_not_found'
  | 'right_state_conflict'
  | 'second_person_required'
  | 'not_pending'
  | 'record_changed'
  | 'month_not_over'
  | 'month_closed'
  | 'month_not_closed'
  | 'nothing_to_restate'
  | 'restatement_limit_reached'
  | 'closed_month_unreadable'
  | 'no_target_available'
  | 'context_length_exceeded'
  | 'invalid_encrypted_content'
  | 'upstream_error'
  | 'upstream_timeout'
  | 'upstream_interrupted'
  | 'upstream_rejected'
  | 'upstream_invalid_request'
  | 'upstream_rate_limited'
  | 'rate_limit_exceeded'
  | 'spend_cap_reached'
  | 'websocket_connection_limit_reached'
  | 'websocket_stream_limit_reached'
  | 'websocket_queue_full'
  | 'invalid_stream_id'
  | 'deadline_exceeded'
  | 'request_too_slow'
  | 'store_unavailable'
  | 'store_full'
  | 'server_draining'
  | 'server_unreachable'
  | 'internal_error';

const caller = (status: number, summary: string, next: NextStep = 'fix-request'): ErrorEntry => ({
  status,
  type: 'invalid_request_error',
  next,
  summary,
});
const unknownCaller = (summary: string): ErrorEntry => ({
  status: 401,
  type: 'authentication_error',
  next: 'fix-request',
  summary,
});
const forbidden = (summary: string, next: NextStep): ErrorEntry => ({
  status: 403,
  type: 'permission_error',
  next,
  summary,
});
const tooMany = (summary: string): ErrorEntry => ({
  status: 429,
  type: 'rate_limit_error',
  next: 'retry-after',
  summary,
});
const server = (status: number, next: NextStep, summary: string): ErrorEntry => ({
  status,
  type: 'server_error',
  next,
  summary,
});

export const ERRORS: { readonly [code in ErrorCode]: ErrorEntry } = {
  invalid_json: caller(400, 'The request body is not valid JSON.'),
  invalid_request: caller(400, 'The request does not have the documented form.'),
  invalid_request_error: caller(400, 'A tool result names a call that does not wait for one.'),
  body_too_large: caller(413, 'The request body is larger than this server accepts.'),
  unsupported_media_type: caller(415, 'The request body must be sent as application/json.'),
  unsupported_parameter: caller(400, 'The request asks for something that this server does not offer.'),
  unsupported_content: caller(400, 'The input holds a kind of item or content that this server does not take.'),
  mutually_exclusive_parameters: caller(400, 'Two parameters that exclude each other were both given.'),
  missing_api_key: unknownCaller('No API key was given: send it as "Authorization: Bearer <key>".'),
  invalid_api_key: unknownCaller('The API key is unknown or has been revoked.'),
  insufficient_scope: forbidden('The API key does not carry the scope that this route needs.', 'ask-operator'),
  first_key_not_admin: caller(
    409,
    'The first key would be no admin: keys would be asked for, and none could make others.',
  ),
  invalid_signature: unknownCaller('The AWS signature of the request does not match what was sent.'),
  signature_expired: unknownCaller('The AWS signature is of another time: check the clock of the caller.'),
  signature_not_allowed: forbidden('This kind of AWS signature is not accepted here.', 'fix-request'),
  host_not_allowed: forbidden('Without API keys this server answers to loopback host names only.', 'fix-request'),
  origin_not_allowed: forbidden('Requests from this web origin are not accepted.', 'fix-request'),
  not_found: caller(404, 'There is nothing at this address.'),
  method_not_allowed: caller(405, 'This address does not take this method.'),
  model_not_found: caller(404, 'No target of this server serves the model.'),
  previous_response_not_found: caller(400, 'The previous response does not exist.'),
  response_not_found: caller(404, 'The response does not exist.'),
  conversation_not_found: caller(404, 'The conversation does not exist.'),
  prompt_not_found: caller(404, 'The prompt does not exist, or has no such version.'),
  prompt_variable_missing: caller(400, 'The prompt has a place for which the request gives no variable.'),
  prompt_variable_unknown: caller(400, 'The prompt has no place for a variable of the request.'),
  prompt_variable_not_text: caller(400, 'An image or a file was given where the prompt has place for a text only.'),
  item_not_found: caller(404, 'The item does not exist.'),
  session_not_found: caller(404, 'The session does not exist.'),
  turn_not_found: caller(404, 'The session has no such turn.'),
  subagent_not_found: caller(404, 'The session has no such sub-agent.'),
  approval_not_found: caller(404, 'The approval does not exist.'),
  approval_not_open: caller(409, 'The approval was decided already, has expired, or its turn has ended.', 'terminal'),
  session_running: caller(409, 'The session has a turn in progress: cancel it first.', 'retry'),
  session_not_idle: caller(409, 'The session is being changed by others; try again.', 'retry'),
  session_queue_full: tooMany('As many inputs wait in the session as it takes while a turn runs.'),
  session_budget_exceeded: {
    status: 429,
    type: 'rate_limit_error',
    next: 'ask-operator',
    summary: 'The session has spent its limit.',
  },
  turn_limit_reached: {
    status: 429,
    type: 'rate_limit_error',
    next: 'terminal',
    summary: 'The turn has made as many calls, run as many tools or used as many tokens as it may.',
  },
  output_cut: caller(400, 'The output of the model was cut in the middle of a tool call.', 'terminal'),
  webhook_not_found: caller(404, 'The webhook does not exist.'),
  webhook_limit_reached: forbidden('The tenant has as many webhooks as it may.', 'fix-request'),
  placement_not_found: caller(404, 'The placement does not exist.'),
  file_not_found: caller(404, 'The file does not exist, or has expired.'),
  file_too_large: caller(413, 'The file is larger than this server takes.'),
  file_quota_exceeded: forbidden('The tenant holds as many files, or bytes, as it may.', 'ask-operator'),
  file_type_not_allowed: caller(400, 'The file is not of a type that can be used so.'),
  automation_not_found: caller(404, 'The automation does not exist.'),
  invocation_not_found: caller(404, 'The invocation does not exist.'),
  automation_limit_reached: forbidden('The tenant has as many automations as it may.', 'ask-operator'),
  environment_not_found: caller(404, 'The environment does not exist.'),
  environment_template_not_found: caller(404, 'The environment template does not exist.'),
  environment_not_ready: caller(409, 'The environment cannot be used now: it is being made, has failed, or is taken.'),
  environment_expired: caller(409, 'The environment was idle for too long; its files are gone.', 'terminal'),
  environment_disconnected: caller(409, 'No worker of the self-hosted environment is connected.', 'retry'),
  environment_quota_exceeded: forbidden('The tenant has as many environments or templates as it may.', 'ask-operator'),
  environments_unavailable: caller(400, 'This server hosts no environments.', 'ask-operator'),
  worker_already_connected: caller(409, 'Another worker serves this environment.'),
  artifact_not_found: caller(404, 'The artifact does not exist.'),
  egress_denied: forbidden('The server does not fetch from this address.', 'ask-operator'),
  workspace_path_refused: caller(400, 'The path is none of the workspace, or leads out of it.'),
  workspace_quota_exceeded: forbidden('The workspace holds as many files, or bytes, as it may.', 'fix-request'),
  workspace_file_too_large: caller(413, 'The file of the workspace is larger than can be read or written at once.'),
  workspace_busy: caller(409, 'A command runs in the workspace.', 'retry'),
  snapshot_not_found: caller(404, 'The snapshot does not exist.'),
  network_not_offered: forbidden(
    'This server gives workspaces less access to the network than was asked for.',
    'ask-operator',
  ),
  isolation_unavailable: server(503, 'ask-operator', 'This server has no isolation to run commands in.'),
  fetch_failed: caller(400, 'What lies at the address could not be fetched.'),
  mcp_server_not_allowed: forbidden('This server does not speak to the MCP server.', 'ask-operator'),
  mcp_server_unavailable: server(502, 'retry', 'An MCP server that the session requires cannot be reached.'),
  conversation_locked: caller(400, 'Another response is running in this conversation.', 'retry'),
  response_in_progress: caller(409, 'The response is still in progress.', 'retry'),
  response_not_cancellable: caller(
    400,
    'Cannot cancel a synchronous response: only one that was begun with background can be cancelled.',
  ),
  fork_depth_exceeded: caller(400, 'This chain has been forked too many times; start a new one from its items.'),
  tool_output_missing: caller(400, 'A function call of the earlier turn has no output in the input.'),
  tool_call_not_found: caller(400, 'A tool output names a call that is not open.'),
  idempotency_key_reused: caller(422, 'This Idempotency-Key was used with another request body.'),
  idempotency_completed: caller(
    409,
    'This Idempotency-Key belongs to a stateless call that has completed; its answer was not kept.',
    'terminal',
  ),
  idempotency_in_progress: caller(409, 'A request with this Idempotency-Key is still running.', 'retry'),
  idempotency_outcome_unknown: caller(
    409,
    'The stateless call of this Idempotency-Key was cut before its end was recorded: it may have been made, and billed.',
    'terminal',
  ),
  session_product_mismatch: forbidden('The session was started under another product or channel.', 'fix-request'),
  placement_refused: forbidden('The contracts in force exclude every target for this call.', 'ask-operator'),
  no_contract_in_force: forbidden(
    'The call is in the scope of configured contracts, none of which is in force.',
    'ask-operator',
  ),
  home_not_permitted: forbidden(
    'The session may no longer be held where it lives: it is read there, and does not go on.',
    'ask-operator',
  ),
  label_not_allowed_here: forbidden('The home of this session may not hold data with this label.', 'ask-operator'),
  contracts_invalid: caller(400, 'The contracts cannot be used as they are; the findings say why.'),
  activation_not_found: caller(404, 'The activation does not exist.'),
  waiver_not_found: caller(404, 'The waiver does not exist.'),
  contract_event_not_found: caller(404, 'The recorded event does not exist.'),
  settings_not_found: caller(404, 'What the configuration asked for under this id does not exist.'),
  hold_not_found: caller(404, 'The hold does not exist.'),
  hold_subject_not_found: caller(404, 'The tenant has nothing of that id that could be held.'),
  agent_not_found: caller(404, 'The agent does not exist.'),
  agent_version_not_found: caller(404, 'The agent has no such version.'),
  vault_not_found: caller(404, 'The vault does not exist.'),
  credential_not_found: caller(404, 'The credential does not exist, or is not attached here.'),
  credential_ambiguous: caller(400, 'Several of the attached credentials are for the same thing.'),
  credential_unusable: caller(400, 'The credential has expired, or was refused, and could not be refreshed.'),
  quota_exceeded: forbidden('The tenant holds as many of these as it may.', 'fix-request'),
  right_not_found: caller(404, 'Nothing was recorded of this right of first refusal.'),
  right_state_conflict: caller(409, 'The right of first refusal is not in a state in which this can be recorded.'),
  second_person_required: forbidden('Another person than the one who asked must decide on it.', 'ask-operator'),
  not_pending: caller(409, 'It has been decided already, has come into force, or has ended.', 'terminal'),
  record_changed: caller(409, 'Somebody else changed it at the same time; nothing was done.', 'retry'),
  month_not_over: caller(409, 'The month is not over, or its last meters may still come.'),
  month_closed: caller(409, 'The month is closed already.', 'terminal'),
  month_not_closed: caller(409, 'The month is not closed: nothing of it stands that could be restated.'),
  nothing_to_restate: caller(409, 'The month comes out as it stands: a restatement would change nothing.', 'terminal'),
  restatement_limit_reached: caller(409, 'The month was restated as often as one may be.', 'terminal'),
  closed_month_unreadable: server(500, 'ask-operator', 'A file of a closed month is not as it was written.'),
  no_target_available: server(503, 'retry-after', 'The targets that the contracts allow are down or full.'),
  context_length_exceeded: caller(400, 'The input is longer than the context window of the model.'),
  invalid_encrypted_content: caller(
    400,
    'The encrypted content of an item was not made here for this tenant, or was changed.',
  ),
  upstream_error: server(502, 'retry', 'The model provider failed.'),
  upstream_timeout: server(504, 'retry', 'The model provider did not answer in time.'),
  upstream_interrupted: server(502, 'terminal', 'The answer of the model provider broke off.'),
  upstream_rejected: server(502, 'ask-operator', 'The model provider refused the call; that is its operator’s matter.'),
  upstream_invalid_request: caller(400, 'The target that was chosen cannot do what the request asks for.'),
  upstream_rate_limited: tooMany('The model provider limits the rate of requests.'),
  rate_limit_exceeded: tooMany('Too many requests for this key.'),
  spend_cap_reached: {
    status: 429,
    type: 'rate_limit_error',
    next: 'ask-operator',
    summary: 'The call could pass a spend cap.',
  },
  websocket_connection_limit_reached: caller(
    400,
    'This WebSocket connection has lived as long as it may (or, with 429, there are too many); open a new one.',
    'retry',
  ),
  websocket_stream_limit_reached: caller(400, 'The WebSocket connection has seen as many stream ids as it may.'),
  websocket_queue_full: tooMany('Too many frames of the WebSocket connection wait for their turn.'),
  invalid_stream_id: caller(400, "A 'stream_id' has 1 to 256 letters, digits, underscores, hyphens and periods."),
  deadline_exceeded: server(504, 'retry', 'The request did not finish within its deadline.'),
  request_too_slow: caller(408, 'The request did not arrive in time.', 'retry'),
  store_unavailable: server(503, 'retry-after', 'The store of this session cannot be reached.'),
  store_full: server(507, 'ask-operator', 'The store has no space left; nothing was written.'),
  server_draining: server(
    503,
    'retry-after',
    'This server is shutting down; another attempt will reach its successor.',
  ),
  server_unreachable: server(503, 'retry', 'The server cannot be reached. (Said by the client, never by the server.)'),
  internal_error: server(500, 'retry', 'Something went wrong inside the server.'),
};

export const ERROR_CODES: readonly ErrorCode[] = Object.keys(ERRORS).filter(isErrorCode);

/** Whether a text is a code of the catalogue. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
