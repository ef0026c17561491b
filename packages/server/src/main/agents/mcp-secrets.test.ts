import type { AgentConfig, AgentMcpTool, PerdureError, ToolSecrets } from '@perdure/protocol';
import { expect, test } from 'vitest';
import { admitSecrets } from './mcp-secrets.ts';

const MCP: AgentMcpTool = {
  type: 'mcp',
  server_label: 'docs',
  transport: { type: 'http', server_url: 'https://docs.example/mcp', headers: {} },
  allowed_tools: null,
  connection_origin: 'service',
  credential_id: null,
  request_metadata: {},
  required: false,
};

function refusal(over: Partial<AgentMcpTool>, secret: Partial<ToolSecrets>): string | null {
  const tools: AgentConfig['tools'] = [{ type: 'tool_search' }, { ...MCP, ...over }];
  const given = { tool: 1, label: 'docs', url: 'https://docs.example/mcp', authorization: null, env: {}, ...secret };
  try {
    admitSecrets({ tools }, [given]);
    return null;
  } catch (error) {
    const { code, param, message } = error as PerdureError;
    expect(message).not.toContain('hush');
    return `${code} ${param}`;
  }
}

test('L9: what came inline is refused where it cannot be kept, and nothing of it is told', () => {
  const at = 'agent.tools[1].transport';
  expect(refusal({}, { authorization: 'Bearer hush' })).toBeNull();
  expect(refusal({}, { authorization: 'hush' })).toBeNull();
  expect(refusal({}, { env: { KEY: 'hush' } })).toBe(`unsupported_parameter ${at}.env`);
  expect(refusal({ connection_origin: 'environment' }, { authorization: 'hush' })).toBe(
    `unsupported_parameter ${at}.authorization`,
  );
  expect(refusal({ credential_id: 'cred_1' }, { authorization: 'hush' })).toBe(`invalid_request ${at}.authorization`);
  for (const wrong of ['hush\r\nx: y', ' hush', 'hush ', 'Bearer hüsh', 'hush\0', 'a\tb'])
    expect(refusal({}, { authorization: wrong }), wrong).toBe(`invalid_request ${at}.authorization`);
});
