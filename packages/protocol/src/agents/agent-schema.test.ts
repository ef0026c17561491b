import { expect, test } from 'vitest';
import { parseBody } from '../parse.ts';
import { AGENT_LIMITS, agentBody, agentConfigInput, agentToolResource } from './agent-schema.ts';

const read = (body: unknown) => {
  const parsed = parseBody(agentBody, body);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
};
const faultOf = (body: unknown): string => {
  const parsed = parseBody(agentBody, body);
  return parsed.ok ? 'none' : `${parsed.error.code} ${parsed.error.param}`;
};
const mcp = (more: object = {}) => ({
  type: 'mcp',
  server_label: 'docs',
  transport: { type: 'http', server_url: 'https://docs.example/mcp' },
  ...more,
});

test('what is absent stays absent, and a null is the default', () => {
  expect(read({ model: 'm' })).toEqual({ config: { model: 'm' }, secrets: [] });
  expect(
    read({
      instructions: null,
      reasoning: null,
      service_tier: null,
      text: null,
      tools: null,
      multi_agent: null,
      name: null,
      metadata: null,
    }),
  ).toEqual({
    config: {
      instructions: null,
      reasoning: { effort: null, summary: null },
      service_tier: 'auto',
      text: { format: { type: 'text' }, verbosity: 'medium' },
      tools: [],
      multi_agent: { enabled: false, max_concurrent_subagents: null },
    },
    secrets: [],
    name: null,
    metadata: {},
  });
});

test('tools are shown with their defaults, and what is secret goes beside', () => {
  const { config, secrets } = read({
    tools: [
      { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' } },
      mcp({ transport: { type: 'http', server_url: 'https://docs.example/mcp', authorization: 'Bearer hush' } }),
      {
        type: 'mcp',
        server_label: 'local',
        transport: { type: 'stdio', command: 'x', cwd: '/w', env: { KEY: 'hush' } },
      },
      { type: 'programmatic_tool_calling' },
      { type: 'computer_use' },
      { type: 'web_search' },
      { type: 'tool_search' },
    ],
  });
  expect(JSON.stringify(config)).not.toContain('hush');
  expect(secrets).toEqual([
    { tool: 1, label: 'docs', url: 'https://docs.example/mcp', authorization: 'Bearer hush', env: {} },
    { tool: 2, label: 'local', url: null, authorization: null, env: { KEY: 'hush' } },
  ]);
  expect(config.tools?.map(agentToolResource)).toMatchObject([
    { type: 'function', name: 'f', defer_loading: false },
    { type: 'mcp', allowed_tools: null, connection_origin: 'service', required: false, request_metadata: {} },
    { type: 'mcp', transport: { type: 'stdio', command: 'x', args: [], cwd: '/w', env_vars: [] } },
    { type: 'programmatic_tool_calling', enabled: true },
    { type: 'computer_use', include_screenshots: false },
    { type: 'web_search', mode: 'live', context_size: 'medium', allowed_domains: null, location: null },
    { type: 'tool_search' },
  ]);
});

test('sub-agents take their number', () => {
  const of = (multi_agent: object) => parseBody(agentConfigInput, { multi_agent });
  expect(of({ enabled: true })).toMatchObject({ value: { config: { multi_agent: { max_concurrent_subagents: 6 } } } });
  expect(of({ enabled: true, max_concurrent_subagents: AGENT_LIMITS.subagents }).ok).toBe(true);
  expect(of({ enabled: true, max_concurrent_subagents: AGENT_LIMITS.subagents + 1 }).ok).toBe(false);
  expect(of({ enabled: true, max_concurrent_subagents: 0 }).ok).toBe(false);
});

test('faults name their place', () => {
  expect(faultOf({ model: '' })).toBe('invalid_request model');
  expect(faultOf({ tools: [{ type: 'other' }] })).toBe('unsupported_parameter tools[0].type');
  expect(faultOf({ tools: [mcp({ server_label: '1x' })] })).toBe('invalid_request tools[0].server_label');
  expect(faultOf({ tools: [mcp(), mcp()] })).toBe('invalid_request tools');
  expect(faultOf({ name: 'x'.repeat(AGENT_LIMITS.nameChars) })).toBe('none');
  expect(faultOf({ name: 'x'.repeat(AGENT_LIMITS.nameChars + 1) })).toBe('invalid_request name');
  const servers = (count: number) => Array.from({ length: count }, (_, i) => mcp({ server_label: `s${i}` }));
  expect(faultOf({ tools: servers(AGENT_LIMITS.mcpServers) })).toBe('none');
  expect(faultOf({ tools: servers(AGENT_LIMITS.mcpServers + 1) })).toBe('invalid_request tools');
});
