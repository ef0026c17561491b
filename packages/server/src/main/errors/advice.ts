/** What to do about each error: more than its summary says, for docs/errors.md and `perdure errors`. */
import { type ErrorCode, ERRORS, type NextStep } from '@perdure/protocol';

/** What holds for every code of a kind. */
export const NEXT: { readonly [next in NextStep]: string } = {
  'fix-request': 'The same request fails again: change it.',
  retry: 'Send it again; nothing was done twice.',
  'retry-after': 'Send it again after the time in `retry-after`.',
  'ask-operator': 'Who runs the server must change something.',
  terminal: 'It is over; its outcome stands.',
};

/** Codes that are not here say all with their summary and what holds for their kind. */
const ADVICE: { readonly [code in ErrorCode]?: string } = {
  invalid_request: '`param` names the field, as in `input[0].content`, and the message says what it must be.',
  body_too_large: 'Send less, or ask the operator for a higher `limits.body_bytes`.',
  unsupported_parameter: 'Leave `param` out.',
  unsupported_content: 'Leave the item or part at `param` out.',
  invalid_signature:
    'The message says what is wrong. A key that signs is made with `perdure keys create --sigv4`; sign for the service bedrock-mantle. A proxy between must keep host, path and query as they were sent.',
  signature_expired: 'Set the clock of the caller, and sign each attempt anew.',
  signature_not_allowed:
    'The message says which kind. `sigv4.regions` of the configuration names the regions that may be signed for; send the signature in the Authorization header.',
  insufficient_scope: 'The message names the scope. Ask for a key that has it: `perdure keys create --scope`.',
  first_key_not_admin:
    'Make an admin key first: `perdure keys create --name ops --scope admin --scope operator --scope inference --scope read`. `--without-admin` (over HTTP `without_admin: true`) makes the key all the same.',
  host_not_allowed: 'Ask for `localhost` or `127.0.0.1`, or have the operator make a key: then any host name is taken.',
  model_not_found: '`GET /v1/models` lists what there is.',
  previous_response_not_found:
    'It was deleted, was not stored, or is of another tenant. Send the whole conversation as `input` instead.',
  prompt_not_found:
    '`param` says whether it is the id or the version. Prompts are listed in `prompts` of perdure.yaml; one of another tenant looks as if it did not exist: docs/prompts.md.',
  prompt_variable_missing: 'Give the variable that `param` names, an empty text if need be.',
  prompt_variable_unknown: 'Leave the variable at `param` out; the message lists those that the prompt has.',
  prompt_variable_not_text: 'Give a text: images and files stand in messages of the user only.',
  session_running: 'Send `agent.session.input.cancel`, and delete the session once it is idle.',
  session_queue_full: 'Wait until the turn has taken what waits.',
  session_budget_exceeded: 'Set a higher `spend_control.limit` on the session.',
  turn_limit_reached: 'What was done stands. Send another message to go on.',
  approval_not_open:
    'Somebody answered before, its time was over, or its turn was ended: the session says how it stands.',
  invalid_request_error: '`required_actions` of the session lists the calls that wait, with their turns.',
  output_cut: 'Ask for less at once, or use a model that may say more.',
  mcp_server_not_allowed: 'The operator lists hosts and commands in `mcp` of perdure.yaml: docs/tools.md.',
  mcp_server_unavailable:
    'The message says what the server did. Without `required` the session goes on without its tools.',
  conversation_locked: 'Wait until the response that runs there has ended: a conversation has one at a time.',
  response_in_progress: 'Read it again shortly; what changes it must wait until it has ended.',
  tool_output_missing: 'Send a `function_call_output` for each open call, in the same input.',
  tool_call_not_found: 'Send the `call_id` of a call that the previous response left open.',
  idempotency_key_reused: 'Use a new key for each new request.',
  idempotency_completed: 'Use a new key if the call is to be made again.',
  idempotency_outcome_unknown:
    'Use a new key if the call is to be made again; `GET /perdure/v1/placements` shows what was placed, and what it may have cost.',
  session_product_mismatch: 'Continue with a key of the product and channel that it was started with.',
  placement_refused:
    '`details` names each target with the clauses against it and, in `remedies`, what could be done; `perdure explain` says all that would free the call: another target, label, region or contract.',
  home_not_permitted:
    'It can still be read. It goes on once contracts that allow its home are in force, or a waiver (`perdure contracts activate`, `perdure waivers grant`); or begin a new session, which is placed anew.',
  agent_not_found:
    'It was deleted, or is of another tenant. What its versions were: `GET /perdure/v1/agents/{id}/versions`.',
  credential_not_found:
    'Attach its vault to the session; a credential is only sent to the server that it was made for.',
  credential_ambiguous: 'Name one by `credential_id`, or attach fewer vaults.',
  credential_unusable: 'Update the credential with a new token.',
  quota_exceeded: 'The message says how many there may be. Delete some.',
  second_person_required: 'Have the holder of another key decide.',
  month_not_over: 'The message says from when on it can be closed.',
  month_closed: 'What was billed stands. What is wrong with it is put right by `perdure usage restate`.',
  month_not_closed: 'An open month is rated by what is configured today: close it first, or change the configuration.',
  closed_month_unreadable:
    'The message names the file in the data folder. Put it back from a backup. Without one, and only if the month was billed to nobody, take it away and close the month again.',
  no_target_available: 'It comes back by itself when targets do; `GET /perdure/v1/targets` shows their health.',
  environment_not_ready:
    'Read the environment: `pending` passes by itself; of one that failed the session’s events tell why. One that was made beforehand serves one session.',
  environment_expired: 'Make a new one. Artifacts of its session are kept.',
  environment_disconnected: 'Start `perdure worker` for it, or see why it does not reach this server.',
  environments_unavailable: 'Use an environment of type `none` or `self_hosted`, or ask the operator for workspaces.',
  worker_already_connected: 'Stop the other worker; its place is free a few seconds later.',
  context_length_exceeded: 'Shorten the input, or ask for a model with a longer context.',
  upstream_interrupted: 'What was shown stands. Ask anew to have the answer made again.',
  upstream_rejected:
    'The credentials, the address or the name of the model of the target are not what its provider takes: `perdure doctor`.',
  upstream_invalid_request:
    'The message says what the target objected to, and `param` where, in the words of its provider. Another model may take it.',
  upstream_rate_limited:
    'The limit is that of the provider, for all who use the target: `retry-after` is what it said.',
  rate_limit_exceeded:
    '`details` names the limit of the key or tenant; the `x-ratelimit-*` headers say how it stands (docs/limits.md). Without `details` the whole server is busy.',
  spend_cap_reached: '`details` names the cap and when it begins anew. Ask the operator to raise it.',
  workspace_path_refused:
    'Name a path below `/workspace`, without `..`. Links are not followed from outside: name what they point to.',
  workspace_quota_exceeded: 'Remove files, or ask the operator for higher `workspaces.limits` (docs/workspaces.md).',
  workspace_busy: 'Send it again once the command has ended.',
  network_not_offered: 'Ask for less, or have the operator raise `workspaces.network`.',
  isolation_unavailable:
    'Install bubblewrap, or set `workspaces.isolation` to `preferred`. `perdure doctor` says what is missing.',
  deadline_exceeded: 'A stored response goes on: read it by the id in the header `perdure-response`.',
  request_too_slow:
    'Nothing was begun. Send it faster, or ask the operator for a higher `limits.body_read_ms`. The connection is closed: use another.',
  store_unavailable: 'Nothing was acknowledged. A stored response that had begun is taken up again by itself.',
  store_full: 'The operator must free space on the disk of the data folder.',
  server_draining: 'Official clients try again by themselves and reach its successor.',
  server_unreachable: 'See that the server runs and that its address is right: `perdure doctor`, `GET /healthz`.',
  internal_error: 'The server’s log has the cause under the same `x-request-id`.',
};

/** Codes that a client says and no server sends. */
export const OF_CLIENTS: ReadonlySet<ErrorCode> = new Set(['server_unreachable']);

export function adviceOn(code: ErrorCode): string {
  const own = ADVICE[code];
  const general = NEXT[ERRORS[code].next];
  return own === undefined ? general : `${general} ${own}`;
}
