/** Examples for the OpenAPI document: short, and valid (tested). */
import { SESSION_EXAMPLES } from './session-examples.ts';
import type { JsonObject } from '../json.ts';
import { AGENT_EXAMPLES } from './agent-examples.ts';
import { responseResource } from '../responses/resource.ts';
import type { SchemaName } from './schemas.ts';

const RESPONSE = 'resp_01jxq0v6w0local4z8k2m6r1t5y';
const CONVERSATION = 'conv_01jxq0v5a0local9c3f7h2j6n8p';
const AT = 1_773_964_800;

const message = {
  type: 'message',
  id: 'msg_01jxq0v6w0local4z8k2m6r1t5y01000',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'It runs where the contract lets it.', annotations: [] }],
} as const;

const clause = {
  id: 'joint.stateless',
  cite: 'Joint statement of 27 February 2026, (1)',
  contract: 'openai-2026-02',
  effect: 'forbid',
} as const;

const response = responseResource({
  id: RESPONSE,
  created_at: AT,
  completed_at: AT + 2,
  status: 'completed',
  model: 'gpt-5.2',
  output: [message],
  usage: {
    input_tokens: 12,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 21,
  },
});

export const EXAMPLES: { readonly [name in SchemaName]?: JsonObject } = {
  ...AGENT_EXAMPLES,
  CreateResponse: { model: 'gpt-5.2', input: 'Where does this call run?', store: true },
  Response: response,
  CompactResponse: { model: 'gpt-5.2', previous_response_id: RESPONSE },
  InputTokens: { object: 'response.input_tokens', input_tokens: 123 },
  ResponseDeleted: { id: RESPONSE, object: 'response.deleted', deleted: true },
  Item: message,
  ItemList: { object: 'list', data: [message], first_id: message.id, last_id: message.id, has_more: false },
  CreateConversation: { items: [{ role: 'user', content: 'Remember this.' }], metadata: { topic: 'contracts' } },
  UpdateConversation: { metadata: { topic: 'contracts' } },
  CreateItems: { items: [{ role: 'user', content: 'And this.' }] },
  Conversation: { id: CONVERSATION, object: 'conversation', created_at: AT, metadata: { topic: 'contracts' } },
  ConversationDeleted: { id: CONVERSATION, object: 'conversation.deleted', deleted: true },
  ChatRequest: { model: 'gpt-5.2', messages: [{ role: 'user', content: 'Where does this call run?' }] },
  Model: { id: 'gpt-5.2', object: 'model', created: 0, owned_by: 'openai' },
  ModelList: { object: 'list', data: [{ id: 'gpt-5.2', object: 'model', created: 0, owned_by: 'openai' }] },
  Placement: {
    id: 'plc_01jxq0v6w0local4z8k2m6r1t5y01',
    object: 'perdure.placement',
    created_at: AT,
    tenant: 'local',
    session: 'sess_01jxq0v6w0local4z8k2m6r1t5y',
    response: RESPONSE,
    action: 'infer',
    purpose: 'turn',
    tool: null,
    destination: null,
    agent: null,
    key: 'local',
    use: { turns: 0, items_read: 0, memory_reads: 0, tools_run: 0, files_touched: 0 },
    outcome: 'placed',
    target: { id: 'azure-east', cloud: 'azure', region: 'eastus2', vendor: 'openai', model: 'gpt-5.2' },
    home: 'local',
    class: 'stateless',
    reading: 'as-written',
    as_of: '2026-03-20',
    in_force: ['openai-2026-02'],
    clauses: [],
    rows: [
      {
        id: 'azure-east',
        cloud: 'azure',
        region: 'eastus2',
        verdict: 'chosen',
        reason: 'the cheapest of the allowed targets',
        clauses: [],
        cost_micro_usd: 210,
        latency_ms: 40,
        score: 0.25,
      },
      {
        id: 'aws-east',
        cloud: 'aws',
        region: 'us-east-1',
        verdict: 'denied',
        reason: 'joint.stateless keeps stateless calls on Azure',
        clauses: [clause],
        cost_micro_usd: 200,
        latency_ms: 40,
        score: null,
      },
    ],
    flagged: [],
    enforced: true,
    would_be: null,
    waivers: [],
    conflict: null,
    explanation: 'azure-east: aws-east is excluded by joint.stateless.',
    usage: { input: 12, cached: 0, output: 9, reasoning: 0 },
    call: { status: 'completed' },
  },
  ExplainRequest: { stored: false, channel: 'bedrock', as_of: '2026-03-20' },
  WhatIfRequest: { reading: 'microsoft', as_of: '2026-03-20' },
  CreateKey: {
    name: 'billing-agents',
    tenant: 'acme',
    channel: 'direct',
    product: 'api',
    scopes: ['inference', 'read'],
  },
  CreateAutomation: {
    type: 'periodic',
    name: 'Morning report',
    expression: '0 8 * * MON-FRI',
    timezone: 'Europe/Berlin',
    target: {
      type: 'existing_session',
      session_id: 'sess_01jxq0v6w0local4z8k2m6r1t5y',
      instructions: 'Write the report.',
    },
  },
  UpdateAutomation: { name: 'Report at nine', expression: '0 9 * * MON-FRI' },
  ...SESSION_EXAMPLES,
  Health: { status: 'ok' },
  Ready: { status: 'ready', checks: [{ name: 'store', ok: true }] },
  Error: {
    error: {
      message: "Missing required parameter: 'model'.",
      type: 'invalid_request_error',
      code: 'invalid_request',
      param: 'model',
    },
  },
};
