/** The endpoints, as the server itself describes them, each with bodies that are right. */
import { MODEL } from '../support/stack.ts';

export interface Endpoint {
  readonly method: string;
  /** With `{name}` for each parameter. */
  readonly path: string;
  readonly query: readonly string[];
  /** By name of a parameter, values that are right: with them a request goes further than the reading of its query. */
  readonly values: Values;
  /** Bodies that the changes start from; none where it takes none. */
  readonly bodies: readonly unknown[];
  readonly isText: boolean;
  /** Whether it takes a form that uploads a file. */
  readonly isForm: boolean;
}

export type Values = { readonly [parameter: string]: readonly string[] };

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: {
    readonly content: { readonly [type: string]: { readonly example?: unknown; readonly schema?: unknown } };
  };
}
interface OpenApi {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: { readonly [name: string]: unknown } };
}

const user = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello.' }] };
const tool = {
  type: 'function',
  name: 'weather',
  description: 'The weather.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};
const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'], additionalProperties: false };
const attached = [
  { type: 'input_file', file_id: '{file_id}' },
  { type: 'input_image', file_id: '{file_id}', detail: 'low' },
  { type: 'input_image', image_url: 'https://127.0.0.1:1/a.png', detail: 'high' },
];
const custom = { type: 'custom', name: 'notes', description: 'Notes.', format: { type: 'text' } };
const CREATE: readonly unknown[] = [
  { model: MODEL, input: 'Hello.' },
  { model: MODEL, input: 'Hello.', store: false, stream: true },
  { model: MODEL, input: 'Hello.', stream: true, previous_response_id: '{response_id}' },
  { model: MODEL, input: 'Hello.', conversation: '{conversation_id}' },
  { model: MODEL, input: 'Hello.', background: true },
  { model: MODEL, input: 'Hello.', background: true, stream: true, previous_response_id: '{response_id}' },
  { model: MODEL, input: [{ role: 'user', content: attached.slice(0, 1) }] },
  { model: MODEL, input: [{ role: 'user', content: attached }], store: false },
  {
    model: MODEL,
    input: [
      user,
      { type: 'custom_tool_call', call_id: 'call_2', name: 'notes', input: 'Buy milk.' },
      { type: 'custom_tool_call_output', call_id: 'call_2', output: 'Done.' },
    ],
    tools: [custom, { ...custom, name: 'sums', format: { type: 'grammar', syntax: 'regex', definition: '[0-9]+' } }],
    tool_choice: { type: 'custom', name: 'notes' },
    include: ['message.output_text.logprobs'],
    top_logprobs: 2,
  },
  {
    model: MODEL,
    prompt: {
      id: 'greet',
      version: '1',
      variables: {
        language: 'Greek',
        what: { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' },
        where: { type: 'input_text', text: 'there' },
      },
    },
  },
  { model: MODEL, input: [user, { type: 'compaction', encrypted_content: 'AAAA' }, { type: 'compaction_trigger' }] },
  {
    model: MODEL,
    store: false,
    instructions: 'Be brief.',
    input: [
      user,
      { role: 'assistant', content: [{ type: 'output_text', text: 'Hello.', annotations: [] }] },
      { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' },
      { type: 'function_call_output', call_id: 'call_1', output: [{ type: 'input_text', text: 'Snow.' }] },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }], encrypted_content: 'AAAA' },
      { role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' }] },
      { role: 'user', content: [{ type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,QQ==' }] },
      { type: 'item_reference', id: '{item_id}' },
    ],
    tools: [tool, { type: 'web_search' }, { type: 'custom', name: 'notes' }],
    tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'weather' }] },
    parallel_tool_calls: true,
    max_tool_calls: 3,
    max_output_tokens: 64,
    text: { format: { type: 'json_schema', name: 'a', schema, strict: true }, verbosity: 'low' },
    reasoning: { effort: 'low', summary: 'auto' },
    temperature: 1,
    top_p: 1,
    top_logprobs: 0,
    truncation: 'auto',
    service_tier: 'auto',
    metadata: { a: 'b' },
    include: ['reasoning.encrypted_content'],
    stream: false,
    stream_options: { include_obfuscation: false },
    safety_identifier: 'a',
    prompt_cache_key: 'b',
    context_management: [{ type: 'compaction', compact_threshold: 1000 }],
    client_metadata: { a: 'b' },
  },
];
/** What the server keeps for the request below. */
export const PROMPT = {
  id: 'greet',
  instructions: 'Speak {{language}}.',
  input: [{ role: 'user' as const, content: 'See {{what}} and {{where}}.' }],
};
const CHAT: readonly unknown[] = [
  { model: MODEL, messages: [{ role: 'user', content: 'Hello.' }], seed: 1, logprobs: false },
  {
    model: MODEL,
    messages: [{ role: 'user', content: 'Hello.' }],
    stream: true,
    stream_options: { include_usage: true },
  },
  {
    model: MODEL,
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hello.' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ],
      },
      {
        role: 'assistant',
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'Snow.' },
    ],
    tools: [{ type: 'function', function: { name: 'weather', parameters: schema } }],
    tool_choice: 'auto',
    n: 1,
    stop: ['x'],
    max_completion_tokens: 32,
    temperature: 0.5,
    response_format: { type: 'json_object' },
    user: 'a',
  },
];
const AGENT = {
  model: MODEL,
  name: 'a',
  instructions: 'Be brief.',
  reasoning: { effort: 'low', summary: 'auto' },
  service_tier: 'auto',
  text: { format: { type: 'json_schema', schema }, verbosity: 'low' },
  tools: [
    { type: 'function', name: 'f', description: 'd', parameters: schema, async: true, defer_loading: true },
    {
      type: 'mcp',
      server_label: 'm',
      transport: { type: 'http', server_url: 'https://a.example/mcp', headers: { 'x-a': 'b' } },
      allowed_tools: ['a'],
      connection_origin: 'service',
      credential_id: '{credential_id}',
      request_metadata: { a: 1 },
      required: true,
    },
    {
      type: 'mcp',
      server_label: 's',
      transport: { type: 'stdio', command: 'c', cwd: '/', args: ['a'], env_vars: ['A'] },
    },
    { type: 'web_search', allowed_domains: ['a.example'], location: { city: 'a', country: 'DE' }, mode: 'live' },
    { type: 'computer_use', include_screenshots: true },
    { type: 'programmatic_tool_calling', enabled: false },
    { type: 'tool_search' },
    { type: 'automations' },
  ],
  multi_agent: { enabled: true, max_concurrent_subagents: 3 },
  compaction: { async: true },
  experimental: { time_awareness: true },
  metadata: { a: 'b' },
};
const CREDENTIALS = [
  {
    type: 'mcp_oauth',
    mcp_server_url: 'https://a.example/mcp',
    access_token: 't',
    expires_at: '2030-01-01T00:00:00Z',
    refresh: {
      client_id: 'c',
      refresh_token: 'r',
      token_endpoint: 'https://a.example/token',
      token_endpoint_auth: { type: 'client_secret_post', client_secret: 's' },
      resource: 'https://a.example',
      scope: 'a b',
    },
  },
  { type: 'static_bearer', mcp_server_url: 'https://a.example/mcp', token: 't' },
  {
    type: 'environment_variable',
    secret_name: 'A_KEY',
    secret_value: 's',
    networking: { type: 'limited', allowed_hosts: ['a.example'] },
  },
];
/** Where the document's example is not enough. */
const BODIES: { readonly [route: string]: readonly unknown[] } = {
  'POST /v1/responses': CREATE,
  'POST /v1/responses/compact': [
    { model: MODEL, input: [user] },
    { model: MODEL, previous_response_id: '{response_id}' },
    { model: MODEL, previous_response_id: '{response_id}', input: 'Hello.', instructions: 'Be brief.' },
  ],
  'POST /v1/responses/input_tokens': CREATE,
  'POST /v1/chat/completions': CHAT,
  'POST /v1/conversations': [{ items: [user, user], metadata: { a: 'b' } }],
  'POST /v1/conversations/{conversation_id}/items': [{ items: [user] }],
  'POST /v1/agents': [AGENT, { model: MODEL }],
  'POST /v1/agents/{agent_id}': [AGENT, { tools: null, instructions: null, metadata: {} }],
  'POST /v1/vaults/{vault_id}/credentials': CREDENTIALS.map(auth => ({ name: 'n', metadata: { a: 'b' }, auth })),
  'POST /v1/vaults/{vault_id}/credentials/{credential_id}': [
    { auth: { type: 'static_bearer', token: 'u' }, metadata: { a: 'c' } },
    { auth: { type: 'mcp_oauth', access_token: 'u', expires_at: null, refresh: { scope: null } } },
  ],
  'POST /perdure/v1/explain': [
    { model: MODEL },
    { model: MODEL, stored: false, tenant: 'acme', labels: ['restricted'], request_labels: ['eu'], purpose: 'turn' },
    {
      action: 'infer',
      model: MODEL,
      product: 'api',
      channel: 'direct',
      segment: 'commercial',
      input_tokens: 10,
      output_tokens: 10,
    },
    { action: 'execute', model: MODEL, tool: { name: 'shell', origin: 'builtin' } },
    { action: 'egress', model: MODEL, destination: { host: 'a.example', use: 'web' } },
    {
      model: MODEL,
      as_of: '2026-03-20T12:00:00Z',
      events: [{ id: 'ipo-filed', date: '2026-03-01' }],
      rights: [{ id: 'first-refusal', state: 'offered' }],
      spend: { month: 1, total: 2 },
    },
  ],
  'POST /perdure/v1/holds': [
    { tenant: 'acme', subject: '{response_id}', reason: 'A case.', reference: 'C-1' },
    { tenant: 'acme', subject: '{conversation_id}', reason: 'A case.' },
  ],
};

const WINDOW: Values = {
  from: ['2026-01-01', '2026-03-20T12:00:00Z'],
  to: ['2999-01-01', '2999-01-01T00:00:00.001Z'],
};
const WHOSE: Values = { tenant: ['acme', 'house', 'nobody'] };
const REPORT: Values = { ...WINDOW, tenant: ['acme', 'house', '*'] };
/** Of routes that refuse what is not of its form, and what they do not know. */
const VALUES: { readonly [route: string]: Values } = {
  'GET /perdure/v1/explain': WHOSE,
  'GET /perdure/v1/reports/statefulness': REPORT,
  'GET /perdure/v1/reports/visibility': REPORT,
  'GET /perdure/v1/reports/lock-in': REPORT,
  'GET /perdure/v1/agents': { ...WHOSE, limit: ['1', '100'], order: ['asc', 'desc'] },
  'GET /perdure/v1/audit': {
    ...WINDOW,
    kind: ['agent', 'key', 'agent.created'],
    actor: ['config:caller', 'config', 'local'],
    subject: ['{agent_id}', '{vault_id}'],
    limit: ['1', '1000'],
    after: ['0', '3'],
  },
};

export async function endpointsOf(url: string): Promise<readonly Endpoint[]> {
  const { paths, components } = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const content = operation.requestBody?.content;
      const json = content?.['application/json'];
      const isForm = content?.['multipart/form-data'] !== undefined;
      const route = `${method.toUpperCase()} ${path}`;
      const example = json?.example ?? (json === undefined ? 'text' : skeleton(json.schema, components, 0));
      return {
        method: method.toUpperCase(),
        path,
        query: (operation.parameters ?? []).filter(one => one.in === 'query').map(one => one.name),
        values: VALUES[route] ?? {},
        bodies: content === undefined ? [] : (BODIES[route] ?? [example]),
        isText: content !== undefined && json === undefined && !isForm,
        isForm,
      };
    }),
  );
}

/** A value of the form that a schema describes; near enough to be changed from. */
function skeleton(schema: unknown, components: OpenApi['components'], depth: number): unknown {
  if (typeof schema !== 'object' || schema === null || depth > 6) return null;
  const {
    $ref: ref,
    type,
    properties,
    items,
    anyOf,
    oneOf,
    enum: values,
    const: only,
    default: given,
  } = schema as {
    readonly [name: string]: unknown;
  };
  const inner = (one: unknown): unknown => skeleton(one, components, depth + 1);
  if (typeof ref === 'string') return inner(components.schemas[ref.split('/').at(-1) ?? '']);
  if (only !== undefined) return only;
  if (Array.isArray(values)) return values[0];
  if (given !== undefined) return given;
  const choice = anyOf ?? oneOf;
  if (Array.isArray(choice)) return inner(choice[0]);
  if (typeof properties === 'object' && properties !== null)
    return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, inner(one)]));
  if (type === 'array') return [inner(items)];
  return type === 'integer' || type === 'number' ? 1 : type === 'boolean' ? true : type === 'object' ? {} : 'a';
}
