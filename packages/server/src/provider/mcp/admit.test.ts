import { isPerdureError } from '@perdure/protocol';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../log/events.ts';
import { type Admission, admitServers, LABEL_CHARS } from './admit.ts';
import { MCP_LIMITS } from './limits.ts';
import { httpTool, NO_EGRESS, stdioTool } from './source.test-support.ts';

const BY: Admission = {
  rules: {
    egress: { ...NO_EGRESS, mode: 'allow-list', hosts: ['mcp.example.com'] },
    stdio: [{ name: 'files', command: '/usr/bin/files', args: ['--root', '/srv'], env: {}, cwd: null }],
    trusted: [],
  },
  limits: MCP_LIMITS,
  environments: false,
};
const GOOD = 'https://mcp.example.com/mcp';

/** `null`: it is admitted. */
function refusal(tools: readonly JsonObject[], by: Partial<Admission> = {}): readonly [string, string | null] | null {
  try {
    admitServers({ tools }, { ...BY, ...by });
    return null;
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    return [error.code, error.param];
  }
}
const http = (transport: JsonObject, over: JsonObject = {}): JsonObject =>
  httpTool('web', GOOD, { transport: { type: 'http', server_url: GOOD, ...transport }, ...over });
const stdio = (transport: JsonObject): JsonObject =>
  stdioTool('own', 'files', { transport: { type: 'stdio', command: 'files', cwd: '/', ...transport } });

describe('admission of MCP servers', () => {
  it('takes what the operator allows, and looks at no other tools', () => {
    expect(refusal([http({}), stdio({}), { type: 'function', name: 'x' }, { type: 'tool_search' }])).toBeNull();
  });

  it.each([
    ['http://169.254.169.254/latest', 'egress_denied'],
    ['http://localhost:9/', 'egress_denied'],
    ['https://other.example.com/mcp', 'egress_denied'],
    ['https://me:secret@mcp.example.com/mcp', 'egress_denied'],
    ['file:///etc/passwd', 'invalid_request'],
    ['no url', 'invalid_request'],
  ])('refuses the address %s: %s', (server_url, code) => {
    expect(refusal([http({ server_url })])).toEqual([code, 'tools[0].transport.server_url']);
  });

  it('takes a listed command by its name, or word by word, and nothing else', () => {
    expect(refusal([stdio({ args: [] })])).toBeNull();
    expect(refusal([stdio({ args: ['--root', '/srv'] })])).toBeNull();
    expect(refusal([stdio({ command: '/usr/bin/files', args: ['--root', '/srv'] })])).toBeNull();
    const refused = ['mcp_server_not_allowed', 'tools[0].transport.command'];
    expect(refusal([stdio({ args: ['--root', '/'] })])).toEqual(refused);
    expect(refusal([stdio({ command: '/usr/bin/files' })])).toEqual(refused);
    expect(refusal([stdio({ command: 'sh' })])).toEqual(refused);
    expect(refusal([stdio({ env_vars: ['AWS_SECRET_ACCESS_KEY'] })])).toEqual([
      'unsupported_parameter',
      'tools[0].transport.env_vars',
    ]);
  });

  it('leaves commands of an environment to the environment, where there are any', () => {
    const inside = { ...stdio({ command: 'sh' }), connection_origin: 'environment' };
    expect(refusal([inside], { environments: true })).toBeNull();
    const http = httpTool('own', 'http://inside.internal/mcp', { connection_origin: 'environment' });
    expect(refusal([http], { environments: true, processes: false })).toBeNull();
    expect(refusal([inside], { environments: true, processes: false })).toEqual([
      'mcp_server_not_allowed',
      'tools[0].transport.type',
    ]);
    expect(refusal([{ ...inside, credential_id: 'vc_1' }], { environments: true })).toEqual([
      'unsupported_parameter',
      'tools[0].credential_id',
    ]);
    expect(refusal([inside])).toEqual(['mcp_server_not_allowed', 'tools[0].connection_origin']);
  });

  it('L9: takes no credential, in any place', () => {
    const at = (name: string) => ['unsupported_parameter', `tools[0].transport.${name}`];
    expect(refusal([http({ authorization: 'Bearer x' })])).toEqual(at('authorization'));
    expect(refusal([stdio({ env: { TOKEN: 'x' } })])).toEqual(at('env'));
    for (const name of [
      'Authorization',
      'X-API-Key',
      'apikey',
      'Cookie',
      'x-auth-token',
      'Proxy-Authorization',
      'x-client-secret',
    ])
      expect(refusal([http({ headers: { [name]: 'x' } })])).toEqual(at(`headers.${name}`));
    expect(refusal([http({ authorization: null, headers: { 'x-team': 'blue' } })])).toBeNull();
  });

  it('takes no header that the transport sends itself, or that is none', () => {
    for (const [name, value] of [
      ['Host', 'x'],
      ['Mcp-Session-Id', 'x'],
      ['content-type', 'x'],
      ['x y', 'x'],
      ['x', 'a\r\nb: c'],
      ['x', 'x'.repeat(4_097)],
    ] as const)
      expect(refusal([http({ headers: { [name]: value } })])?.[0]).toBe('invalid_request');
    expect(refusal([http({ headers: { x: 'x'.repeat(4_096) } })])).toBeNull();
  });

  it('wants labels that tell servers apart', () => {
    const labelled = (label: string): JsonObject => http({}, { server_label: label });
    expect(refusal([labelled('a'), labelled('b')])).toBeNull();
    expect(refusal([labelled('a'), labelled('a')])).toEqual(['invalid_request', 'tools[1].server_label']);
    expect(refusal([labelled('')])).toEqual(['invalid_request', 'tools[0].server_label']);
    expect(refusal([labelled('x'.repeat(LABEL_CHARS))])).toBeNull();
    expect(refusal([labelled('x'.repeat(LABEL_CHARS + 1))])).toEqual(['invalid_request', 'tools[0].server_label']);
  });

  it('takes as many servers as a session may have, and not one more', () => {
    const many = (count: number): readonly JsonObject[] =>
      Array.from({ length: count }, (_, i) => http({}, { server_label: `s${i}` }));
    expect(refusal(many(MCP_LIMITS.servers))).toBeNull();
    expect(refusal(many(MCP_LIMITS.servers + 1))).toEqual(['invalid_request', 'tools']);
  });
});
