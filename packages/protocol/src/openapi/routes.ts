/** The routes that the server has, for the OpenAPI document. The server's own router is tested against this table. */
import type { ErrorCode } from '../errors.ts';
import type { SchemaName } from './schemas.ts';

export type Method = 'get' | 'post' | 'delete';

export type Route = {
  readonly method: Method;
  /** With `{name}` for each parameter. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: 'responses' | 'conversations' | 'chat' | 'models' | 'perdure' | 'service';
  readonly summary: string;
  readonly body?: SchemaName;
  /** Whether the body may be left out. */
  readonly bodyOptional?: true;
  readonly answer: SchemaName | 'openapi';
  /** With `stream: true`, the answer as server-sent events instead. */
  readonly stream?: string;
  readonly query?: readonly QueryName[];
  /** What it can fail with, beyond what every route can. */
  readonly errors: readonly ErrorCode[];
  /** No key is asked for. */
  readonly open?: true;
  /** Takes an `Idempotency-Key`. */
  readonly idempotent?: true;
  /** Names its placement in a `perdure-placement` header. */
  readonly placed?: true;
};

export type QueryName =
  | 'limit'
  | 'order'
  | 'after'
  | 'before'
  | 'include[]'
  | 'session'
  | 'response'
  | 'outcome'
  | 'stream'
  | 'from'
  | 'to'
  | 'tenant'
  | 'group_by'
  | 'starting_after';

const LIST: readonly QueryName[] = ['limit', 'order', 'after', 'before', 'include[]'];
const READ: readonly ErrorCode[] = ['insufficient_scope', 'store_unavailable', 'deadline_exceeded'];
const BODY: readonly ErrorCode[] = ['invalid_json', 'invalid_request', 'body_too_large', 'unsupported_media_type'];
const WRITE: readonly ErrorCode[] = [...READ, ...BODY, 'store_full'];
const CALL: readonly ErrorCode[] = [
  ...WRITE,
  'unsupported_parameter',
  'unsupported_content',
  'mutually_exclusive_parameters',
  'model_not_found',
  'placement_refused',
  'no_contract_in_force',
  'no_target_available',
  'spend_cap_reached',
  'context_length_exceeded',
  'upstream_error',
  'upstream_timeout',
  'upstream_interrupted',
  'upstream_rejected',
  'upstream_rate_limited',
  'rate_limit_exceeded',
  'tool_output_missing',
  'tool_call_not_found',
  'idempotency_key_reused',
  'idempotency_completed',
  'idempotency_in_progress',
];
const TURN: readonly ErrorCode[] = [
  ...CALL,
  'previous_response_not_found',
  'conversation_not_found',
  'item_not_found',
  'conversation_locked',
  'response_in_progress',
  'fork_depth_exceeded',
  'session_product_mismatch',
  'home_not_permitted',
  'label_not_allowed_here',
];
const PLACE: readonly ErrorCode[] = [
  'placement_refused',
  'no_contract_in_force',
  'home_not_permitted',
  'unsupported_content',
];

export const ROUTES: readonly Route[] = [
  {
    method: 'post',
    path: '/v1/responses',
    operationId: 'createResponse',
    tag: 'responses',
    summary: 'Run a turn: stored and durable by default, stateless with `store: false`.',
    body: 'CreateResponse',
    answer: 'Response',
    stream: 'Events of Open Responses, each with its `sequence_number`.',
    errors: TURN,
    idempotent: true,
    placed: true,
  },
  {
    method: 'get',
    path: '/v1/responses/{response_id}',
    operationId: 'getResponse',
    tag: 'responses',
    summary: 'A stored response, as it stands.',
    answer: 'Response',
    stream: 'With `stream=true`: its events, from after `starting_after` on, as they were or will be.',
    query: ['include[]', 'stream', 'starting_after'],
    errors: [...READ, 'invalid_request', 'response_not_found', 'response_in_progress'],
  },
  {
    method: 'delete',
    path: '/v1/responses/{response_id}',
    operationId: 'deleteResponse',
    tag: 'responses',
    summary: 'Delete a stored response.',
    answer: 'ResponseDeleted',
    errors: [...READ, 'response_not_found', 'response_in_progress', 'store_full'],
  },
  {
    method: 'get',
    path: '/v1/responses/{response_id}/input_items',
    operationId: 'listInputItems',
    tag: 'responses',
    summary: 'The items that went into a response.',
    answer: 'ItemList',
    query: LIST,
    errors: [...READ, 'invalid_request', 'mutually_exclusive_parameters', 'response_not_found', 'item_not_found'],
  },
  {
    method: 'post',
    path: '/v1/conversations',
    operationId: 'createConversation',
    tag: 'conversations',
    summary: 'Start a conversation, with up to 20 items. Its state is placed under contract.',
    body: 'CreateConversation',
    bodyOptional: true,
    answer: 'Conversation',
    errors: [...WRITE, ...PLACE],
    placed: true,
  },
  {
    method: 'get',
    path: '/v1/conversations/{conversation_id}',
    operationId: 'getConversation',
    tag: 'conversations',
    summary: 'A conversation.',
    answer: 'Conversation',
    errors: [...READ, 'conversation_not_found'],
  },
  {
    method: 'post',
    path: '/v1/conversations/{conversation_id}',
    operationId: 'updateConversation',
    tag: 'conversations',
    summary: 'Replace the metadata of a conversation.',
    body: 'UpdateConversation',
    answer: 'Conversation',
    errors: [...WRITE, 'conversation_not_found'],
  },
  {
    method: 'delete',
    path: '/v1/conversations/{conversation_id}',
    operationId: 'deleteConversation',
    tag: 'conversations',
    summary: 'Delete a conversation; its items stay with the responses that hold them.',
    answer: 'ConversationDeleted',
    errors: [...READ, 'conversation_not_found', 'conversation_locked', 'store_full'],
  },
  {
    method: 'get',
    path: '/v1/conversations/{conversation_id}/items',
    operationId: 'listConversationItems',
    tag: 'conversations',
    summary: 'The items of a conversation.',
    answer: 'ItemList',
    query: LIST,
    errors: [...READ, 'invalid_request', 'mutually_exclusive_parameters', 'conversation_not_found', 'item_not_found'],
  },
  {
    method: 'post',
    path: '/v1/conversations/{conversation_id}/items',
    operationId: 'createConversationItems',
    tag: 'conversations',
    summary: 'Add up to 20 items.',
    body: 'CreateItems',
    answer: 'ItemList',
    errors: [...WRITE, ...PLACE, 'conversation_not_found', 'conversation_locked', 'tool_call_not_found'],
  },
  {
    method: 'get',
    path: '/v1/conversations/{conversation_id}/items/{item_id}',
    operationId: 'getConversationItem',
    tag: 'conversations',
    summary: 'One item.',
    answer: 'Item',
    query: ['include[]'],
    errors: [...READ, 'conversation_not_found', 'item_not_found'],
  },
  {
    method: 'delete',
    path: '/v1/conversations/{conversation_id}/items/{item_id}',
    operationId: 'deleteConversationItem',
    tag: 'conversations',
    summary: 'Delete one item; answers with the conversation.',
    answer: 'Conversation',
    errors: [...READ, 'conversation_not_found', 'item_not_found', 'conversation_locked', 'store_full'],
  },
  {
    method: 'post',
    path: '/v1/chat/completions',
    operationId: 'createChatCompletion',
    tag: 'chat',
    summary: 'One stateless call: nothing is kept of its content.',
    body: 'ChatRequest',
    answer: 'ChatCompletion',
    stream: 'Chunks (schema `ChatChunk`), then `[DONE]`.',
    errors: CALL,
    idempotent: true,
    placed: true,
  },
  {
    method: 'get',
    path: '/v1/models',
    operationId: 'listModels',
    tag: 'models',
    summary: 'The models that some target serves.',
    answer: 'ModelList',
    errors: ['insufficient_scope'],
  },
  {
    method: 'get',
    path: '/v1/models/{model_id}',
    operationId: 'getModel',
    tag: 'models',
    summary: 'One model.',
    answer: 'Model',
    errors: ['insufficient_scope', 'model_not_found'],
  },
  {
    method: 'get',
    path: '/perdure/v1/placements',
    operationId: 'listPlacements',
    tag: 'perdure',
    summary: 'Where calls and state went, newest first.',
    answer: 'PlacementList',
    query: ['limit', 'order', 'after', 'session', 'response', 'outcome'],
    errors: [...READ, 'invalid_request', 'placement_not_found'],
  },
  {
    method: 'get',
    path: '/perdure/v1/placements/{placement_id}',
    operationId: 'getPlacement',
    tag: 'perdure',
    summary: 'One placement, with every target and the clauses that spoke.',
    answer: 'Placement',
    errors: [...READ, 'placement_not_found'],
  },
  {
    method: 'get',
    path: '/perdure/v1/usage',
    operationId: 'listUsage',
    tag: 'perdure',
    summary: 'What calls used, cost and brought, summed by any dimensions.',
    answer: 'UsageList',
    query: ['from', 'to', 'group_by', 'tenant', 'limit', 'after'],
    errors: [...READ, 'invalid_request'],
  },
  {
    method: 'get',
    path: '/perdure/v1/usage/calls',
    operationId: 'listUsageCalls',
    tag: 'perdure',
    summary: 'Metered calls, each rated, newest first.',
    answer: 'UsageCallList',
    query: ['from', 'to', 'tenant', 'after'],
    errors: [...READ, 'invalid_request'],
  },
  {
    method: 'get',
    path: '/perdure/v1/commitments',
    operationId: 'getCommitments',
    tag: 'perdure',
    summary: 'Money terms of the contracts: burned down, due, and forecast.',
    answer: 'Commitments',
    query: ['to'],
    errors: [...READ, 'invalid_request'],
  },
  {
    method: 'get',
    path: '/perdure/v1/targets',
    operationId: 'listTargets',
    tag: 'perdure',
    summary: 'The targets and their health.',
    answer: 'TargetList',
    errors: ['insufficient_scope'],
  },
  {
    method: 'get',
    path: '/perdure/v1/status',
    operationId: 'getStatus',
    tag: 'perdure',
    summary: 'Targets, homes, contracts in force and the last placements.',
    answer: 'Status',
    errors: READ,
  },
  {
    method: 'post',
    path: '/perdure/v1/whatif',
    operationId: 'runWhatIf',
    tag: 'perdure',
    summary: 'Replay recorded placements under another reading, set of contracts or date.',
    body: 'WhatIfRequest',
    answer: 'WhatIfResult',
    errors: [...READ, ...BODY],
  },
  {
    method: 'get',
    path: '/perdure/v1/keys',
    operationId: 'listKeys',
    tag: 'perdure',
    summary: 'The API keys, without their secrets.',
    answer: 'KeyList',
    errors: ['insufficient_scope'],
  },
  {
    method: 'post',
    path: '/perdure/v1/keys',
    operationId: 'createKey',
    tag: 'perdure',
    summary: 'Make an API key; its secret is shown this once.',
    body: 'CreateKey',
    answer: 'CreatedKey',
    errors: WRITE,
  },
  {
    method: 'delete',
    path: '/perdure/v1/keys/{key_id}',
    operationId: 'revokeKey',
    tag: 'perdure',
    summary: 'Revoke an API key: the next request with it is refused.',
    answer: 'KeyRevoked',
    errors: [...READ, 'not_found', 'store_full'],
  },
  {
    method: 'get',
    path: '/healthz',
    operationId: 'getHealth',
    tag: 'service',
    summary: 'The process answers.',
    answer: 'Health',
    errors: [],
    open: true,
  },
  {
    method: 'get',
    path: '/readyz',
    operationId: 'getReady',
    tag: 'service',
    summary: 'Whether the server takes work; 503 if it does not.',
    answer: 'Ready',
    errors: [],
    open: true,
  },
  {
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenapi',
    tag: 'service',
    summary: 'This document.',
    answer: 'openapi',
    errors: [],
    open: true,
  },
];
