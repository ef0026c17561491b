import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CEDAR_HERE } from '../../contract/cedar-here.ts';
import { TOOL_SCHEMA } from '../../contract/tool-schema.ts';
import type { ToolOrigin, ToolQuestion } from '../../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { PermissionDefault } from '../../tool/permission.ts';
import { permissionFolder, PermissionsError } from './folders.ts';
import { openPermissions, type Permissions } from './permissions.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-permissions-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function open(cedar: string, fallback: PermissionDefault = 'by-tool', name = 'own'): Permissions {
  const folder = join(dir, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'rules.cedar'), cedar);
  return openPermissions({ folders: [folder], fallback }, () => CEDAR_HERE);
}

function question(
  tool: string,
  args: JsonObject = {},
  over: Partial<ToolQuestion> & { readonly origin?: ToolOrigin; readonly idempotent?: boolean } = {},
): ToolQuestion {
  const { origin = { kind: 'builtin' }, idempotent = false, ...rest } = over;
  return {
    tenant: 'acme' as TenantId,
    principal: 'key_1',
    agent: { id: 'agt_1', version: 3, name: 'support' },
    session: 'sess_1' as SessionId,
    labels: [],
    tool: { name: tool, origin, idempotent },
    arguments: args,
    at: Date.UTC(2026, 2, 20),
    ...rest,
  };
}

describe('the order of the rules', () => {
  const PERMIT = '@id("p")\npermit (principal, action == Action::"call_tool", resource == Tool::"a");\n';
  const ASK = '@id("q")\npermit (principal, action == Action::"ask_for_tool", resource == Tool::"a");\n';
  const FORBID =
    '@id("f")\n@cite("rule 1")\nforbid (principal, action == Action::"call_tool", resource == Tool::"a");\n';

  test('a forbid wins over a permit, a permit over asking, asking over the default', () => {
    const verdict = (text: string): unknown => open(text, 'deny').decide(question('a'));
    expect(verdict(PERMIT + ASK + FORBID)).toMatchObject({ verdict: 'deny', reasons: [{ id: 'f', cite: 'rule 1' }] });
    expect(verdict(PERMIT + ASK)).toMatchObject({ verdict: 'permit', reasons: [{ id: 'p', cite: null }] });
    expect(verdict(ASK)).toMatchObject({ verdict: 'ask', reasons: [{ id: 'q' }] });
    expect(verdict('')).toMatchObject({ verdict: 'deny', reasons: [] });
  });

  test('each default is what it says', () => {
    const of = (fallback: PermissionDefault, origin: ToolOrigin, idempotent: boolean): string =>
      open('', fallback).decide(question('a', {}, { origin, idempotent })).verdict;
    for (const fallback of ['permit', 'ask', 'deny'] as const)
      expect(of(fallback, { kind: 'builtin' }, false)).toBe(fallback);
    expect(of('by-tool', { kind: 'client' }, false)).toBe('permit');
    expect(of('by-tool', { kind: 'module', module: 'm' }, true)).toBe('permit');
    expect(of('by-tool', { kind: 'module', module: 'm' }, false)).toBe('ask');
    expect(of('by-tool', { kind: 'mcp', server: 's', tool: 't' }, false)).toBe('ask');
  });

  test('what errs denies, though another policy permits', () => {
    const text = `@id("p")\npermit (principal, action, resource);\n@id("e")\npermit (principal, action == Action::"call_tool", resource)
when { context.args.number.hasTag("n") && context.args.number.getTag("n") * 9007199254740991 * 9007199254740991 > 0 };\n`;
    const policies = open(text, 'permit');
    expect(policies.decide(question('a', { n: 0 }))).toMatchObject({ verdict: 'permit' });
    expect(policies.explain(question('a', { n: 1 }))).toMatchObject({
      verdict: 'deny',
      by: 'error',
      reasons: [{ id: 'e' }],
    });
  });
});

describe('what a policy is told', () => {
  const holds = (condition: string, asked: ToolQuestion): boolean =>
    open(`@id("p")\npermit (principal, action == Action::"call_tool", resource) when { ${condition} };`, 'deny').decide(
      asked,
    ).verdict === 'permit';

  test('the tool, who asks, and the agent', () => {
    const asked = question('issues_create', {}, { origin: { kind: 'mcp', server: 'github', tool: 'create' } });
    for (const condition of [
      'resource in Server::"github"',
      'resource.origin == "mcp" && resource.name == "create" && !resource.idempotent',
      'principal == Principal::"key_1" && principal in Tenant::"acme"',
      'principal.agent == Agent::"agt_1" && principal.agent.version == 3 && principal.agent.name == "support"',
      'context.at < datetime("2026-03-21") && context.session == "sess_1"',
    ])
      expect(holds(condition, asked), condition).toBe(true);
    for (const condition of ['resource in Module::"github"', 'resource in Server::"other"', 'principal in Tenant::"b"'])
      expect(holds(condition, asked), condition).toBe(false);
  });

  test('whether the model calls, or a program that it wrote', () => {
    for (const caller of ['direct', 'programmatic'] as const) {
      expect(holds(`context.caller == "${caller}"`, question('t', {}, { caller }))).toBe(true);
      expect(holds('context.caller == "programmatic"', question('t', {}, { caller }))).toBe(caller === 'programmatic');
    }
    expect(holds('context.caller == "direct"', question('t'))).toBe(true);
  });

  test('arguments by name and type', () => {
    const asked = question('t', { to: 'a@b.test', n: 7, half: 0.5, yes: true, tags: ['x', 'y'], deep: { k: 1 } });
    for (const condition of [
      'context.args.text.hasTag("to") && context.args.text.getTag("to") like "*@b.test"',
      'context.args.number.hasTag("n") && context.args.number.getTag("n") == 7',
      '!context.args.number.hasTag("half") && context.args.names.contains("half")',
      'context.args.flag.hasTag("yes") && context.args.flag.getTag("yes")',
      'context.args.list.hasTag("tags") && context.args.list.getTag("tags").contains("y")',
      'context.args.json == "{\\"deep\\":{\\"k\\":1},\\"half\\":0.5,\\"n\\":7,\\"tags\\":[\\"x\\",\\"y\\"],\\"to\\":\\"a@b.test\\",\\"yes\\":true}"',
    ])
      expect(holds(condition, asked), condition).toBe(true);
  });

  test('a path that cannot be walked around, and a host', () => {
    const path = (given: string): boolean =>
      holds('context has path && context.path like "docs/*"', question('read', { path: given }));
    expect([path('docs/a'), path('./docs//a'), path('docs/x/../a'), path('docs\\a')]).toEqual([true, true, true, true]);
    expect([path('docs/../etc/passwd'), path('/docs/a'), path('../docs/a'), path('docs')]).toEqual(
      Array.from({ length: 4 }, () => false),
    );
    const host = (url: string): boolean =>
      holds('context has host && context.host == "example.com"', question('web_fetch', { url }));
    expect([host('https://EXAMPLE.com:8443/x'), host('https://example.com./')]).toEqual([true, true]);
    expect([host('https://example.com.evil.test/'), host('https://example.com@evil.test/'), host('no url')]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('names of arguments that mean something to JavaScript mean nothing here', () => {
    const args = JSON.parse('{"__proto__": "x", "constructor": 1}') as JsonObject;
    expect(holds('context.args.text.hasTag("__proto__")', question('t', args))).toBe(true);
    expect(holds('context.args.number.hasTag("toString")', question('t', args))).toBe(false);
    expect(holds('context has command', question('t', { __proto__: { command: 'x' } }))).toBe(false);
  });
});

describe('loading', () => {
  const findings = (text: string): readonly string[] => {
    try {
      open(text);
      return [];
    } catch (error) {
      if (!(error instanceof PermissionsError)) throw error;
      return error.findings
        .filter(({ level }) => level === 'error')
        .map(({ code, file, line }) => `${file}:${line} ${code}`);
    }
  };

  test('what is wrong is told with its file and line', () => {
    expect(findings('\n@id("a") permit (principal, action, resource) when { context.nothing };')).toEqual([
      'own/rules.cedar:2 cedar_invalid',
    ]);
    expect(findings('// x\npermit (principal, action, resource);')).toEqual(['own/rules.cedar:2 id_missing']);
    expect(findings('@id("a")\npermit (principal, action, resource')).toEqual(['own/rules.cedar:2 cedar_syntax']);
    expect(findings('@id("a") permit (principal == ?principal, action, resource);')).toEqual([
      'own/rules.cedar:1 link_invalid',
    ]);
    const one = '@id("a") permit (principal, action, resource);\n';
    expect(findings(one + one)).toEqual(['own/rules.cedar:2 id_duplicate']);
    // Strict: a tag is asked for only behind hasTag.
    expect(
      findings('@id("a") permit (principal, action, resource) when { context.args.text.getTag("x") == "y" };'),
    ).toEqual(['own/rules.cedar:1 cedar_invalid']);
  });

  test('the version is that of the texts and the default, not of their line ends', () => {
    const text = '@id("a")\npermit (principal, action, resource);\n';
    const { version } = open(text);
    expect(open(text.replaceAll('\n', '  \r\n')).version).toBe(version);
    expect(open(text.replace('"a"', '"b"')).version).not.toBe(version);
    expect(open(text, 'ask').version).not.toBe(version);
    expect(open(text).decide(question('a')).policy).toBe(version);
  });

  test('a file may be as long as its bound and not longer, and a folder must be there', () => {
    const most = 256 * 1024;
    expect(findings(`//${'x'.repeat(most - 2)}`)).toEqual([]);
    expect(findings(`//${'x'.repeat(most - 1)}`)).toEqual(['own/rules.cedar:null file_too_large']);
    expect(() => permissionFolder('./nowhere', dir)).toThrow(
      expect.objectContaining({ code: 'permissions_not_found' }),
    );
  });
});

describe('the shipped example', () => {
  const example = openPermissions(
    { folders: [permissionFolder('example', '/')], fallback: 'by-tool' },
    () => CEDAR_HERE,
  );
  const SHIPPED = new URL('../../../../../permissions/', import.meta.url);

  test('says what it says', () => {
    const verdict = (asked: ToolQuestion): string => example.decide(asked).verdict;
    expect(verdict(question('shell', { command: 'rm -rf /' }))).toBe('deny');
    expect(verdict(question('shell', { command: 'ls' }))).toBe('ask');
    expect(verdict(question('read_file', { path: 'a/../key.pem' }, { idempotent: true }))).toBe('deny');
    expect(verdict(question('read_file', { path: 'a.txt' }, { idempotent: true }))).toBe('permit');
    expect(verdict(question('send_mail', { to: 'x@example.com' }))).toBe('permit');
    expect(verdict(question('send_mail', { to: 'x@example.org' }))).toBe('ask');
    const mcp = { origin: { kind: 'mcp', server: 's', tool: 't' }, idempotent: true } as const;
    expect(verdict(question('t', {}, { ...mcp, labels: ['restricted'] }))).toBe('deny');
    const refund = (cents: number): unknown =>
      example.autoApprove(question('refund', { amount_cents: cents }))?.verdict;
    expect([refund(5000), refund(5001)]).toEqual(['permit', undefined]);
  });

  test('lies beside the schema that it is checked against', () => {
    expect(readFileSync(new URL('schema.cedarschema', SHIPPED), 'utf8')).toBe(TOOL_SCHEMA);
  });
});
