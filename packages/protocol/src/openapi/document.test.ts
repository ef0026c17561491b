import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { parseAutomationCreate, parseAutomationUpdate } from '../agents/automation-schema.ts';
import { parseChatRequest } from '../chat/request-schema.ts';
import { isJsonObject } from '../json.ts';
import { parseExplain } from '../perdure/explain.ts';
import { parseWhatIf } from '../perdure/placements.ts';
import { parseCreateConversation, parseCreateItems, parseUpdateConversation } from '../responses/conversations.ts';
import { parseCreateResponse } from '../responses/request-schema.ts';
import { validateItem, validateResponse } from '../test-support/open-responses.ts';
import { openapiDocument } from './document.ts';
import { EXAMPLES } from './examples.ts';
import { ROUTES } from './routes.ts';
import { componentSchemas } from './schemas.ts';

const document = openapiDocument({ version: '0.1.0' });
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ ...document, $id: 'perdure' });

const at = (pointer: string): unknown =>
  pointer
    .slice(2)
    .split('/')
    .reduce<unknown>((node, key) => (isJsonObject(node) ? node[key] : undefined), document);

const refsIn = (node: unknown): string[] => {
  if (Array.isArray(node)) return node.flatMap(refsIn);
  if (!isJsonObject(node)) return [];
  return Object.entries(node).flatMap(([key, value]) => (key === '$ref' ? [String(value)] : refsIn(value)));
};

it('resolves every reference', () => {
  const refs = [...new Set(refsIn(document))];
  expect(refs.length).toBeGreaterThan(10);
  for (const ref of refs) expect(at(ref), ref).toBeDefined();
});

it('says which answers name a stored response in their head', () => {
  const named = ROUTES.filter(({ method, path }) => {
    const pointer = `#/paths/${path.replaceAll('/', '~1')}/${method}/responses/200/headers`;
    const headers = pointer
      .slice(2)
      .split('/')
      .map(part => part.replaceAll('~1', '/'));
    let node: unknown = document;
    for (const part of headers) node = isJsonObject(node) ? node[part] : undefined;
    return isJsonObject(node) && 'perdure-response' in node;
  });
  expect(named.map(route => route.path)).toEqual(['/v1/responses', '/v1/responses/compact']);
});

it('has every route once, with an operation id of its own', () => {
  expect(new Set(ROUTES.map(route => route.operationId)).size).toBe(ROUTES.length);
  expect(new Set(ROUTES.map(route => `${route.method} ${route.path}`)).size).toBe(ROUTES.length);
  const paths = Object.keys(isJsonObject(document['paths']) ? document['paths'] : {});
  expect(paths.sort()).toEqual([
    '/healthz',
    '/ledger/{home}/checkpoint',
    '/ledger/{home}/cosignature',
    '/ledger/{home}/cosigned',
    '/ledger/{home}/keys',
    '/ledger/{home}/tile/{path}',
    '/openai/v1/agents/sessions',
    '/openai/v1/agents/sessions/{session_id}',
    '/openai/v1/agents/sessions/{session_id}/events',
    '/openai/v1/agents/sessions/{session_id}/items',
    '/openapi.json',
    '/perdure/v1/agents',
    '/perdure/v1/agents/{agent_id}/rollback',
    '/perdure/v1/agents/{agent_id}/versions',
    '/perdure/v1/agents/{agent_id}/versions/{version}',
    '/perdure/v1/approvals',
    '/perdure/v1/approvals/{approval_id}',
    '/perdure/v1/approvals/{approval_id}/deny',
    '/perdure/v1/approvals/{approval_id}/grant',
    '/perdure/v1/approvals/{approval_id}/resolve',
    '/perdure/v1/audit',
    '/perdure/v1/commitments',
    '/perdure/v1/contracts',
    '/perdure/v1/contracts/activations',
    '/perdure/v1/contracts/activations/{activation_id}/approve',
    '/perdure/v1/contracts/activations/{activation_id}/reject',
    '/perdure/v1/contracts/activations/{activation_id}/withdraw',
    '/perdure/v1/contracts/settings',
    '/perdure/v1/contracts/settings/{settings_id}/approve',
    '/perdure/v1/contracts/settings/{settings_id}/reject',
    '/perdure/v1/contracts/stranded',
    '/perdure/v1/contracts/{digest}',
    '/perdure/v1/environments/{environment_id}',
    '/perdure/v1/environments/{environment_id}/worker',
    '/perdure/v1/environments/{environment_id}/worker_tokens',
    '/perdure/v1/environments/{environment_id}/worker_tokens/{token_id}',
    '/perdure/v1/events',
    '/perdure/v1/events/{event_id}/approve',
    '/perdure/v1/events/{event_id}/reject',
    '/perdure/v1/events/{event_id}/retract',
    '/perdure/v1/explain',
    '/perdure/v1/holds',
    '/perdure/v1/holds/{hold_id}/kept',
    '/perdure/v1/holds/{hold_id}/lift',
    '/perdure/v1/keys',
    '/perdure/v1/keys/{key_id}',
    '/perdure/v1/placements',
    '/perdure/v1/placements/{placement_id}',
    '/perdure/v1/replay/placements',
    '/perdure/v1/replay/snapshots/{version}',
    '/perdure/v1/reports/lock-in',
    '/perdure/v1/reports/statefulness',
    '/perdure/v1/reports/visibility',
    '/perdure/v1/rights',
    '/perdure/v1/rights/{right_id}/accept',
    '/perdure/v1/rights/{right_id}/approve',
    '/perdure/v1/rights/{right_id}/decline',
    '/perdure/v1/rights/{right_id}/offer',
    '/perdure/v1/rights/{right_id}/reject',
    '/perdure/v1/rights/{right_id}/retract',
    '/perdure/v1/status',
    '/perdure/v1/targets',
    '/perdure/v1/usage',
    '/perdure/v1/usage/calls',
    '/perdure/v1/usage/closes',
    '/perdure/v1/usage/closes/{month}/restate',
    '/perdure/v1/vaults/rotate-key',
    '/perdure/v1/waivers',
    '/perdure/v1/waivers/{waiver_id}/approve',
    '/perdure/v1/waivers/{waiver_id}/reject',
    '/perdure/v1/waivers/{waiver_id}/revoke',
    '/perdure/v1/webhooks',
    '/perdure/v1/webhooks/{webhook_id}',
    '/perdure/v1/webhooks/{webhook_id}/deliveries',
    '/perdure/v1/webhooks/{webhook_id}/enable',
    '/perdure/v1/webhooks/{webhook_id}/rotate_secret',
    '/perdure/v1/webhooks/{webhook_id}/test',
    '/perdure/v1/whatif',
    '/readyz',
    '/v1/agents',
    '/v1/agents/automations',
    '/v1/agents/automations/{automation_id}',
    '/v1/agents/automations/{automation_id}/invocations',
    '/v1/agents/automations/{automation_id}/invocations/{invocation_id}',
    '/v1/agents/automations/{automation_id}/pause',
    '/v1/agents/automations/{automation_id}/resume',
    '/v1/agents/environments',
    '/v1/agents/environments/templates',
    '/v1/agents/environments/templates/{environment_template_id}',
    '/v1/agents/environments/{environment_id}',
    '/v1/agents/environments/{environment_id}/files',
    '/v1/agents/sessions',
    '/v1/agents/sessions/{session_id}',
    '/v1/agents/sessions/{session_id}/artifacts',
    '/v1/agents/sessions/{session_id}/artifacts/{artifact_id}',
    '/v1/agents/sessions/{session_id}/artifacts/{artifact_id}/content',
    '/v1/agents/sessions/{session_id}/events',
    '/v1/agents/sessions/{session_id}/items',
    '/v1/agents/sessions/{session_id}/subagents',
    '/v1/agents/sessions/{session_id}/subagents/{subagent_id}',
    '/v1/agents/sessions/{session_id}/subagents/{subagent_id}/items',
    '/v1/agents/sessions/{session_id}/subagents/{subagent_id}/turns',
    '/v1/agents/sessions/{session_id}/subagents/{subagent_id}/turns/{turn_id}',
    '/v1/agents/sessions/{session_id}/subagents/{subagent_id}/turns/{turn_id}/items',
    '/v1/agents/sessions/{session_id}/traces',
    '/v1/agents/sessions/{session_id}/turns',
    '/v1/agents/sessions/{session_id}/turns/{turn_id}',
    '/v1/agents/sessions/{session_id}/turns/{turn_id}/items',
    '/v1/agents/{agent_id}',
    '/v1/chat/completions',
    '/v1/conversations',
    '/v1/conversations/{conversation_id}',
    '/v1/conversations/{conversation_id}/items',
    '/v1/conversations/{conversation_id}/items/{item_id}',
    '/v1/files',
    '/v1/files/{file_id}',
    '/v1/files/{file_id}/content',
    '/v1/models',
    '/v1/models/{model_id}',
    '/v1/responses',
    '/v1/responses/compact',
    '/v1/responses/input_tokens',
    '/v1/responses/{response_id}',
    '/v1/responses/{response_id}/cancel',
    '/v1/responses/{response_id}/input_items',
    '/v1/vaults',
    '/v1/vaults/{vault_id}',
    '/v1/vaults/{vault_id}/credentials',
    '/v1/vaults/{vault_id}/credentials/{credential_id}',
  ]);
});

it('has schemas that compile, and uses them all but those it names in words', () => {
  const names = Object.keys(componentSchemas());
  for (const name of names)
    expect(() => ajv.compile({ $ref: `perdure#/components/schemas/${name}` }), name).not.toThrow();
  const used = new Set(refsIn(document).map(ref => ref.split('/').at(-1)));
  expect(names.filter(name => !used.has(name))).toEqual(['ChatChunk']);
});

it('has examples that validate', () => {
  expect(Object.keys(EXAMPLES).length).toBeGreaterThan(15);
  for (const [name, example] of Object.entries(EXAMPLES)) {
    const validate = ajv.compile({ $ref: `perdure#/components/schemas/${name}` });
    validate(example);
    expect({ name, errors: validate.errors }).toEqual({ name, errors: null });
  }
  expect(validateResponse(EXAMPLES.Response)).toEqual([]);
  expect(validateItem(EXAMPLES.Item)).toEqual([]);
});

it('has examples that the server reads', () => {
  const parsers = {
    CreateResponse: parseCreateResponse,
    ChatRequest: parseChatRequest,
    CreateConversation: parseCreateConversation,
    UpdateConversation: parseUpdateConversation,
    CreateItems: parseCreateItems,
    WhatIfRequest: parseWhatIf,
    ExplainRequest: parseExplain,
    CreateAutomation: parseAutomationCreate,
    UpdateAutomation: parseAutomationUpdate,
  };
  for (const [name, parse] of Object.entries(parsers)) {
    expect(parse(EXAMPLES[name as keyof typeof parsers]).ok, name).toBe(true);
  }
});

it('tells where skipped tools are named', () => {
  const told = Object.entries(document['paths'] as { [path: string]: { [method: string]: unknown } }).flatMap(
    ([path, methods]) => (JSON.stringify(methods).includes('"perdure-skipped-tools"') ? [path] : []),
  );
  expect(told).toEqual(['/v1/responses', '/v1/chat/completions']);
});

it('describes requests as clients write them', () => {
  const all = ajv.compile({ $ref: 'perdure#/components/schemas/CreateResponse' });
  const tools = [{ type: 'custom', name: 'c' }, { type: 'web_search' }, { type: 'function', name: 'f' }];
  const call = { type: 'custom_tool_call_output', call_id: 'c', output: 'x' };
  expect(all({ model: 'm', input: [call], tools, tool_choice: { type: 'custom', name: 'c' } })).toBe(true);
  expect(all({ model: 'm', input: 'x', tools: [{ type: 'custom' }] })).toBe(false);
  const validate = ajv.compile({ $ref: 'perdure#/components/schemas/CreateResponse' });
  expect(validate({ model: 'm', input: [{ role: 'user', content: 'x' }], temperature: null, unknown: 1 })).toBe(true);
  expect(validate({ model: 'm', input: 'x', temperature: 3 })).toBe(false);
  expect(validate({ input: 'x' })).toBe(false);
});

it('says where it is served, if it is told', () => {
  expect(openapiDocument({ version: '1', serverUrl: 'http://127.0.0.1:1' })['servers']).toEqual([
    { url: 'http://127.0.0.1:1' },
  ]);
  expect(document).not.toHaveProperty('servers');
});

it('is plain JSON', () => {
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
});
