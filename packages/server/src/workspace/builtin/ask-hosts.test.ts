/** L7: a command that needs hosts which are held back asks for them; what people open is open for that run alone. In bubblewrap, with servers that answer. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ToolOutcome, ToolRun, ToolScope, WorkspaceSpec } from '../../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import { matchesAny } from '../../provider/egress/rules.ts';
import { checkedLookup } from '../../provider/transport/address.ts';
import { closeAll, noBubblewrap, openTest, specOf } from '../workspace.test-support.ts';
import type { Egress } from '../network/proxy.ts';
import { askHosts, HOST_FORM } from './ask-hosts.ts';
import { builtinTools } from './source.ts';

const missing = await noBubblewrap();
const asked: string[] = [];
const host = createServer((req, res) => {
  asked.push(`${req.headers.host} ${req.url}`);
  res.end('it answers\n');
});
/** Every name is this machine. */
const HERE: Egress = {
  matches: matchesAny,
  addressAllowed: address => address === '127.0.0.1',
  lookup: () =>
    checkedLookup(
      address => address === '127.0.0.1',
      (_, __, tell) => tell(null, [{ address: '127.0.0.1', family: 4 }]),
    ),
};
const ASK = { matches: matchesAny, blocked: ['never.test'] };
let port = 0;

beforeAll(async () => {
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  ({ port } = host.address() as AddressInfo);
});
afterAll(async () => {
  host.close();
  await closeAll();
});

const network = (allowed: readonly string[], blocked: readonly string[] = []): WorkspaceSpec['network'] => ({
  access: 'restricted',
  allowed,
  blocked,
});
const GRANTED: ToolRun['answer'] = { granted: true, value: null, resume: null };

async function shell(
  rules: WorkspaceSpec['network'],
): Promise<(args: JsonObject, answer?: ToolRun['answer']) => Promise<ToolOutcome>> {
  const workspaces = await openTest({
    isolation: 'required',
    network: { most: 'enabled', egress: HERE, blocked: ASK.blocked },
  });
  const spec = specOf('env_ask', { network: rules });
  const source = builtinTools({ workspaces, specOf: async () => spec, web: null, ask: ASK });
  const scope: ToolScope = {
    tenant: 'acme' as TenantId,
    session: 'sess_1' as SessionId,
    principal: 'key_1',
    agent: {},
    environment: { type: 'openai_hosted', id: 'env_ask' },
    vaults: [],
    labels: [],
  };
  const tool = (await source.list(scope, new AbortController().signal)).find(({ name }) => name === 'shell');
  if (tool === undefined) throw new Error('no shell');
  return (args, answer = null) =>
    source.run(scope, tool, {
      callId: 'call_1',
      key: 'key',
      arguments: args,
      signal: new AbortController().signal,
      show: () => undefined,
      answer,
    });
}

const get = (url: string): string =>
  `exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET ${url} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3; timeout 3 cat <&3`;

describe.skipIf(missing !== null)(
  `hosts that a command asks for${missing === null ? '' : ` (left out: ${missing})`}`,
  () => {
    it('are held back, asked for, open for the run that was granted, and held back in the next', async () => {
      const run = await shell(network(['listed.test']));
      const command = get(`http://asked.test:${port}/x`);
      asked.length = 0;
      const first = await run({ command });
      expect(first).toMatchObject({ ok: true, output: expect.stringContaining('403 Forbidden') as string });
      // The name alone is for the usual ports.
      expect(JSON.stringify(first)).toContain('the same command with \\"hosts\\": [\\"asked.test\\"]');
      const hosts = [`asked.test:${port}`];
      expect(await run({ command, hosts })).toEqual({
        ok: 'asks',
        why: 'network',
        about: { type: 'network', hosts, command },
        resume: null,
      });
      expect(asked).toEqual([]);
      const granted = await run({ command, hosts }, GRANTED);
      expect(granted).toMatchObject({ ok: true, output: expect.stringContaining('it answers') as string });
      expect(asked).toEqual([`asked.test:${port} /x`]);
      // Another host than the granted one is held back in the granted run too.
      const other = await run({ command: `${command}; ${get(`http://other.test:${port}/`)}`, hosts }, GRANTED);
      expect(other).toMatchObject({
        output: expect.stringContaining('[held back by the network rules: other.test]') as string,
      });
      const next = await run({ command });
      expect(next).toMatchObject({ output: expect.stringContaining('403 Forbidden') as string });
      expect(asked).toHaveLength(2);
    });

    it('that are blocked are never asked for, and stay blocked whoever says yes', async () => {
      const run = await shell(network([`listed.test:${port}`]));
      for (const answer of [null, GRANTED])
        expect(await run({ command: 'true', hosts: ['never.test'] }, answer)).toMatchObject({
          ok: false,
          code: 'egress_denied',
        });
    });

    it('that the rules allow already need nobody', async () => {
      const run = await shell(network([`listed.test:${port}`]));
      const outcome = await run({ command: get(`http://listed.test:${port}/`), hosts: [`listed.test:${port}`] });
      expect(outcome).toMatchObject({ ok: true, output: expect.stringContaining('it answers') as string });
    });
  },
);

describe('what can be asked for', () => {
  const spec = (rules: WorkspaceSpec['network']): WorkspaceSpec => specOf('env_1', { network: rules });
  const ask = (rules: WorkspaceSpec['network'] | null, ...hosts: string[]) =>
    askHosts(ASK, rules === null ? null : spec(rules), hosts, { answer: null }, 'true');

  it.each([
    ['without an environment', null, 'no network'],
    ['without a network', { access: 'disabled', allowed: [], blocked: [] } as const, 'no network'],
    ['of the environment’s own blocked', network([], ['bad.test']), 'Blocked, and not to be asked for: bad.test'],
  ])('nothing %s', (_, rules, why) => {
    expect(ask(rules, 'bad.test')).toMatchObject({ run: false, outcome: { code: 'egress_denied' } });
    expect(JSON.stringify(ask(rules, 'bad.test'))).toContain(why);
  });

  it('what is blocked at one port is at none', () => {
    expect(ask(network(['x.test']), 'never.test:8443')).toMatchObject({ outcome: { code: 'egress_denied' } });
  });

  it('a host is a name, with a port or without', () => {
    for (const good of ['a.test', 'A-1.test', 'a', 'a.test:1', 'a.test:65535', '10.0.0.1'])
      expect(HOST_FORM.test(good), good).toBe(true);
    for (const bad of [
      '*',
      '*.a.test',
      'https://a.test',
      'a.test/',
      'a.test:',
      'a.test:0',
      '-a',
      'a.',
      'a b',
      '',
      'é.test',
    ])
      expect(HOST_FORM.test(bad), bad).toBe(false);
    expect(HOST_FORM.test('a'.repeat(253))).toBe(true);
    expect(HOST_FORM.test('a'.repeat(254))).toBe(false);
  });
});
