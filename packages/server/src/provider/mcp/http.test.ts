import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { TenantId, SessionId } from '../../kernel/ids.ts';
import { KEY_META } from './connection.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from './http-server.test-support.ts';
import type { CredentialQuestion, McpSecrets } from './ports.ts';
import {
  type Bench,
  benchOf,
  type BenchOptions,
  httpTool,
  named,
  never,
  runOf,
  scopeOf,
} from './source.test-support.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function world(
  server: HttpServerOptions = {},
  options: BenchOptions = {},
): Promise<Bench & { readonly http: HttpServer; readonly tool: ReturnType<typeof httpTool> }> {
  const http = await startHttpServer(server);
  ends.push(() => http.close());
  const bench = benchOf({ ...options, rules: { egress: http.egress, ...options.rules } });
  ends.push(() => bench.source.close());
  return { ...bench, http, tool: httpTool('web', http.url) };
}

/** Hands out tokens; asks are recorded. */
function vault(tokens: readonly string[]): McpSecrets & { readonly questions: CredentialQuestion[] } {
  const questions: CredentialQuestion[] = [];
  let at = 0;
  return {
    questions,
    async resolve(question) {
      questions.push(question);
      if (question.fresh) at++;
      const token = tokens[at];
      return token === undefined
        ? null
        : { kind: 'headers', id: 'vc_1', headers: { authorization: `Bearer ${token}` } };
    },
  };
}

describe.each(['newer', 'older'] as const)('a server over HTTP that speaks the protocol: %s', generation => {
  it('is listed, called, and told the key and the metadata', async () => {
    const { source, http } = await world({ generation });
    const scope = scopeOf([
      httpTool('web', http.url, {
        request_metadata: { team: 'blue', 'perdure/idempotency-key': 'forged', 'io.modelcontextprotocol/x': 1 },
      }),
    ]);
    const tools = await source.list(scope, never);
    expect(tools.map(tool => tool.name)).toContain('web__echo');
    expect(await source.run(scope, named(tools, 'web__echo'), runOf({ text: 'hello' }))).toEqual({
      ok: true,
      output: 'hello',
    });
    expect(http.meta).toMatchObject({ [KEY_META]: 'key_1', team: 'blue' });
    expect(http.meta).not.toHaveProperty(['io.modelcontextprotocol/x']);
  });

  it('shows progress, and ends with an error of the tool', async () => {
    const { source, tool } = await world({ generation });
    const scope = scopeOf([tool]);
    const tools = await source.list(scope, never);
    const shown: string[] = [];
    const show = (said: string): void => void shown.push(said);
    expect(await source.run(scope, named(tools, 'web__progress'), runOf({}, { show }))).toEqual({
      ok: true,
      output: 'all of it',
    });
    expect(shown).toEqual(['half of it\n']);
    expect(await source.run(scope, named(tools, 'web__fails'), runOf({}))).toEqual({
      ok: false,
      code: 'mcp_tool_error',
      message: 'no, you',
    });
  });

  it('is bounded in time by a call, and ends with the turn', async () => {
    const { source, tool } = await world({ generation }, { limits: { callMs: 300 } });
    const scope = scopeOf([tool]);
    const slow = named(await source.list(scope, never), 'web__slow');
    expect(await source.run(scope, slow, runOf({ ms: 10 }))).toEqual({ ok: true, output: 'done' });
    expect(await source.run(scope, slow, runOf({ ms: 2_000 }))).toEqual({
      ok: false,
      code: 'mcp_timeout',
      message: 'The server did not answer within 300 ms. It is not known whether the tool has run.',
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    expect(await source.run(scope, slow, runOf({ ms: 2_000 }, { signal: stop.signal }))).toMatchObject({
      code: 'cancelled',
    });
  });

  it('cuts a result at the bound, and reads no answer over the bound of the wire', async () => {
    const { source, tool, http } = await world({ generation }, { limits: { resultBytes: 1_000, wireBytes: 100_000 } });
    const scope = scopeOf([tool]);
    const big = named(await source.list(scope, never), 'web__big');
    expect(await source.run(scope, big, runOf({ bytes: 1_000 }))).toEqual({ ok: true, output: 'x'.repeat(1_000) });
    expect(await source.run(scope, big, runOf({ bytes: 1_001 }))).toEqual({
      ok: true,
      output: `${'x'.repeat(1_000)}\n[1 bytes left out.]`,
    });
    expect(await source.run(scope, big, runOf({ bytes: 200_000 }))).toMatchObject({
      ok: false,
      code: 'mcp_result_too_large',
    });
    expect(http.ran.get('big')).toBe(3);
    // A new connection is opened for the next.
    expect(await source.run(scope, big, runOf({ bytes: 2 }))).toEqual({ ok: true, output: 'xx' });
  });

  it('is asked for its tools once in a while, and again when it says that they changed', async () => {
    const { source, tool, http, later } = await world({ generation });
    const scope = scopeOf([tool]);
    const lists = (): number => http.asked.filter(({ rpc }) => rpc === 'tools/list').length;
    const tools = await source.list(scope, never);
    await source.list(scope, never);
    expect(lists()).toBe(1);
    later(59_999);
    await source.list(scope, never);
    expect(lists()).toBe(1);
    later(1);
    await source.list(scope, never);
    expect(lists()).toBe(2);
    await source.run(scope, named(tools, 'web__echo'), runOf({ text: '' }));
    http.add('later');
    await sleep(300);
    expect((await source.list(scope, never)).map(({ name }) => name)).toContain('web__later');
    expect(lists()).toBe(3);
  });
});

describe('a credential', () => {
  it('of a vault is sent, and one that is refused is asked for anew, once', async () => {
    const secrets = vault(['stale-token', 'fresh-token']);
    const { source, http } = await world({ bearer: () => 'fresh-token' }, { secrets });
    const scope = scopeOf([httpTool('web', http.url, { credential_id: 'vc_1' })], { vaults: ['vault_1'] });
    const tools = await source.list(scope, never);
    expect(tools.length).toBeGreaterThan(0);
    expect(secrets.questions[0]).toEqual({
      tenant: 'local',
      session: 'sess_1',
      label: 'web',
      vaults: ['vault_1'],
      url: http.url,
      credential: 'vc_1',
      fresh: false,
    });
    expect(secrets.questions.filter(({ fresh }) => fresh)).toHaveLength(1);
  });

  it('that is refused leaves the server out, in our words', async () => {
    const { source, tool, reports } = await world({ bearer: () => 'another' }, { secrets: vault(['secret-token']) });
    expect(await source.list(scopeOf([tool]), never)).toEqual([]);
    expect(reports.map(({ why }) => why)).toEqual(["The MCP server 'web' refuses the credential, or wants one."]);
    expect(JSON.stringify(reports)).not.toContain('secret-token');
  });

  it('L9: comes back in no result, message or list', async () => {
    const { source, tool, http, reports } = await world(
      { bearer: () => 'secret-token' },
      { secrets: vault(['secret-token']) },
    );
    http.add('secret-token');
    const scope = scopeOf([tool]);
    const tools = await source.list(scope, never);
    const said = [
      tools,
      await source.run(scope, named(tools, 'web__whoami'), runOf({})),
      await source.run(scope, named(tools, 'web__fails'), runOf({})),
    ];
    expect(http.asked.some(({ headers }) => headers.authorization === 'Bearer secret-token')).toBe(true);
    expect(JSON.stringify(said)).toContain('you sent [redacted]');
    expect(JSON.stringify([said, reports])).not.toContain('secret-token');
    expect(reports.map(({ why }) => why)).toEqual(['its name holds a credential']);
  });

  it('L10: keeps lists apart, by tenant and by credential', async () => {
    const { source, tool, http } = await world(
      {},
      {
        secrets: {
          resolve: async ({ vaults: [id] }) => (id === undefined ? null : { kind: 'headers', id, headers: {} }),
        },
      },
    );
    const lists = async (over: object): Promise<number> => {
      const before = http.asked.filter(({ rpc }) => rpc === 'tools/list').length;
      await source.list(scopeOf([tool], { session: `sess_${Math.random()}` as SessionId, ...over }), never);
      return http.asked.filter(({ rpc }) => rpc === 'tools/list').length - before;
    };
    expect(await lists({})).toBe(1);
    expect(await lists({})).toBe(0);
    expect(await lists({ tenant: 'other' as TenantId })).toBe(1);
    expect(await lists({ vaults: ['a'] })).toBe(1);
    expect(await lists({ vaults: ['b'] })).toBe(1);
    expect(await lists({ vaults: ['b'] })).toBe(0);
  });
});

describe('a server that asks', () => {
  const deploy = async (): Promise<{
    readonly run: (over?: object) => ReturnType<Bench['source']['run']>;
    readonly http: HttpServer;
  }> => {
    const { source, tool, http } = await world({ generation: 'newer' });
    const scope = scopeOf([tool]);
    const found = named(await source.list(scope, never), 'web__deploy');
    return { http, run: (over = {}) => source.run(scope, found, runOf({ to: 'production' }, over)) };
  };

  it('is answered by a person, and the call made again', async () => {
    const { run, http } = await deploy();
    const asks = await run();
    expect(asks).toMatchObject({
      ok: 'asks',
      about: {
        type: 'mcp_elicitation',
        server: 'web',
        tool: 'deploy',
        questions: [{ key: 'sure', mode: 'form', message: 'Deploy to production?' }],
      },
    });
    expect(http.ran.get('deploy')).toBeUndefined();
    const resume = asks.ok === 'asks' ? asks.resume : null;
    expect(await run({ answer: { granted: true, value: { sure: true }, resume } })).toEqual({
      ok: true,
      output: 'deployed with state of production',
    });
    expect(http.ran.get('deploy')).toBe(1);
  });

  it('is told of a refusal', async () => {
    const { run, http } = await deploy();
    const asks = await run();
    const resume = asks.ok === 'asks' ? asks.resume : null;
    expect(await run({ answer: { granted: false, value: null, resume } })).toEqual({
      ok: true,
      output: 'not deployed',
    });
    expect(http.ran.get('deploy')).toBeUndefined();
  });
});

describe('egress', () => {
  it('asks no address that the operator does not allow, whatever the session says', async () => {
    const { http } = await world();
    const bench = benchOf({ rules: { egress: { ...http.egress, privateHosts: [] } } });
    expect(await bench.source.list(scopeOf([httpTool('web', http.url)]), never)).toEqual([]);
    expect(bench.reports.map(({ why }) => why)).toEqual([
      "The MCP server 'web' cannot be reached: The address is not public.",
    ]);
    expect(http.asked).toEqual([]);
  });

  it('asks no name that resolves to such an address', async () => {
    const { http } = await world();
    const port = new URL(http.url).port;
    const bench = benchOf({ rules: { egress: { ...http.egress, hosts: [`localhost:${port}`], privateHosts: [] } } });
    expect(await bench.source.list(scopeOf([httpTool('web', `http://localhost:${port}/mcp`)]), never)).toEqual([]);
    expect(bench.reports.map(({ why }) => why)).toEqual(["The MCP server 'web' is at an address that is not public."]);
    expect(http.asked).toEqual([]);
  });
});

describe('a connection that is lost', () => {
  it('L6: a call runs again only if the operator trusts the hint of its server', async () => {
    const lost = async (trusted: boolean): Promise<{ readonly outcome: unknown; readonly calls: number }> => {
      const { source, tool, http } = await world({ generation: 'newer' }, {});
      const host = new URL(http.url).host;
      const bench = benchOf({
        rules: { egress: http.egress, trusted: trusted ? [host] : [] },
        limits: { callMs: 3_000 },
      });
      ends.push(() => bench.source.close());
      await source.close();
      const scope = scopeOf([tool]);
      const echo = named(await bench.source.list(scope, never), 'web__echo');
      expect(echo.idempotent).toBe(trusted);
      http.cut = 1;
      const outcome = await bench.source.run(scope, echo, runOf({ text: 'again' }));
      return { outcome, calls: http.asked.filter(({ rpc }) => rpc === 'tools/call').length };
    };
    expect(await lost(true)).toEqual({ outcome: { ok: true, output: 'again' }, calls: 2 });
    expect(await lost(false)).toEqual({
      outcome: {
        ok: false,
        code: 'mcp_connection_lost',
        message: 'The connection to the server was lost. It is not known whether the tool has run.',
      },
      calls: 1,
    });
  });
});
