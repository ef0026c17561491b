/**
 * L9, as a whole: an agent with every kind of credential that a server holds, whose tools print all that they have. What left the process, and
 * what lies on its disk, is searched for each of them. The server is a process of its own, so that all that it writes is seen.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Emulator, startEmulator } from '@perdure/emulator';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { type HttpServer, startHttpServer } from '../../packages/server/src/provider/mcp/http-server.test-support.ts';
import { makeAuthority } from '../../packages/server/src/workspace/network/authority.ts';
import { noBubblewrap } from '../../packages/server/src/workspace/workspace.test-support.ts';
import { filesWith, holds } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { type ServerProcess, Workplace } from '../support/server-process.ts';
import { MODEL, targetOf } from '../support/stack.ts';

const missing = await noBubblewrap();
const planted = (what: string): string => `planted-${what}-${crypto.randomUUID()}`;
const SECRETS = {
  bearer: planted('bearer'),
  inline: planted('inline'),
  replaced: planted('replaced'),
  variable: planted('variable'),
  webhook: `whsec_${Buffer.from(crypto.randomUUID()).toString('base64')}`,
  worker: '',
};
const POLICY = `
@id("ask-first")
@cite("house rule 1")
permit (principal, action == Action::"ask_for_tool", resource == Tool::"second__whoami");
`;
const ADDRESS = `127.${1 + Math.floor(Math.random() * 254)}.${1 + Math.floor(Math.random() * 254)}.9`;
const SERVICE = `https://${ADDRESS}:8443`;

const place = new Workplace();
const told: string[] = [];
const servedBy: string[] = [];
let emulator: Emulator;
let server: ServerProcess;
let hook: Server;
let service: Server;
let first: HttpServer;
let second: HttpServer;
let client: OpenAI;
let bearerOfSecond = SECRETS.inline;
const believed = process.env['NODE_EXTRA_CA_CERTS'];

beforeAll(async () => {
  if (missing !== null) return;
  emulator = await startEmulator({ clouds: ['azure'], recordBodies: true });
  first = await startHttpServer({ bearer: () => SECRETS.bearer });
  second = await startHttpServer({ bearer: () => bearerOfSecond });
  const authority = await makeAuthority(Date.now());
  // A service that says back whatever it is told.
  service = createTlsServer(await authority.certify(ADDRESS), (req, res) => {
    servedBy.push(JSON.stringify(req.headers));
    res.writeHead(200, { 'x-said': req.headers.authorization ?? '' }).end(JSON.stringify(req.headers));
  });
  service.listen(8443, ADDRESS);
  await once(service, 'listening');
  hook = createServer((req, res) => {
    req.on('data', (chunk: Buffer) => told.push(chunk.toString()));
    req.on('end', () => res.writeHead(204).end());
  });
  hook.listen(0, '127.0.0.1');
  await once(hook, 'listening');
  mkdirSync(join(place.folder, 'rules'));
  writeFileSync(join(place.folder, 'rules', 'rules.cedar'), POLICY);
  writeFileSync(join(place.folder, 'service.pem'), authority.certificate);
  // What the server's own connections believe: the service's authority, as an operator with a private one would have it.
  process.env['NODE_EXTRA_CA_CERTS'] = join(place.folder, 'service.pem');
  const hosts = [first, second].map(({ url }) => new URL(url).host);
  place.configure({
    data: './data',
    targets: [targetOf(emulator, 'azure')],
    permissions: [join(place.folder, 'rules')],
    permissions_default: 'permit',
    mcp: { mode: 'allow-list', hosts, private_hosts: hosts },
    workspaces: { network: 'restricted', private_hosts: [`${ADDRESS}:8443`] },
    webhooks: [
      {
        id: 'ops',
        url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`,
        secret: SECRETS.webhook,
        allow_private: true,
      },
    ],
  });
  server = await place.start();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'local', maxRetries: 0 });
}, 60_000);
afterAll(async () => {
  if (believed === undefined) delete process.env['NODE_EXTRA_CA_CERTS'];
  else process.env['NODE_EXTRA_CA_CERTS'] = believed;
  await place.close();
  if (missing !== null) return;
  await Promise.all([emulator.close(), first.close(), second.close()]);
  for (const one of [hook, service]) one.close();
});

/** What the command line printed, and what every read of the API answered. */
const seen: string[] = [];
async function said(...argv: readonly string[]): Promise<string> {
  const { out, err } = await perdure(argv, {
    cwd: place.folder,
    env: { PERDURE_URL: server.url, PERDURE_API_KEY: 'local' },
  });
  seen.push(out, err);
  return out;
}
async function read(path: string): Promise<string> {
  const response = await fetch(`${server.url}${path}`);
  const text = await response.text();
  expect(response.status, `${path}: ${text}`).toBe(200);
  seen.push(text, JSON.stringify([...response.headers]));
  return text;
}
const idle = (id: string, status = 'idle') =>
  expect
    .poll(async () => (await client.beta.agents.sessions.retrieve(id)).status, { timeout: 60_000, interval: 50 })
    .toBe(status);
async function follow(session: string, signal: AbortSignal, take: (text: string) => void): Promise<void> {
  try {
    const response = await fetch(`${server.url}/v1/agents/sessions/${session}/events`, { signal });
    for await (const part of response.body ?? []) take(Buffer.from(part as Uint8Array).toString());
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
const mcp = (label: string, of: HttpServer, authorization?: string) => ({
  type: 'mcp' as const,
  server_label: label,
  transport: { type: 'http' as const, server_url: of.url, ...(authorization !== undefined && { authorization }) },
  required: true,
});

test.skipIf(missing !== null)(
  `L9: no credential leaves the server but to whom it is for, nor lies open on its disk${missing === null ? '' : ` (left out: ${missing})`}`,
  async () => {
    const { sessions, vaults } = client.beta.agents;
    const vault = await vaults.create({ name: 'Keys' });
    await vaults.credentials.create(vault.id, {
      name: 'First',
      auth: { type: 'static_bearer', mcp_server_url: first.url, token: SECRETS.bearer },
    });
    await vaults.credentials.create(vault.id, {
      name: 'Service',
      auth: {
        type: 'environment_variable',
        secret_name: 'SERVICE_KEY',
        secret_value: SECRETS.variable,
        networking: { type: 'limited', allowed_hosts: [ADDRESS] },
      },
    });
    const other = await sessions.create({
      agent: { model: MODEL },
      environment: { type: 'self_hosted', workspace_directory: '/srv' } as never,
    });
    const token = await said('environments', 'token', (other.environment as { id: string }).id);
    SECRETS.worker = /pwt_\S+/.exec(token)?.[0] ?? '';
    expect(SECRETS.worker).not.toBe('');
    // Shown once, to who made it.
    seen.splice(0);

    const command = [
      'env',
      "cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'",
      'cat /run/perdure/net/*.pem | head -c 300',
      `curl -sSi -m 20 -H "Authorization: Bearer $SERVICE_KEY" ${SERVICE}/`,
      `curl -sS -m 20 -u "me:$SERVICE_KEY" ${SERVICE}/ | tee -a /workspace/outputs/said`,
      'exit 3',
    ].join('; ');
    const input = `Use shell ${JSON.stringify({ command: `mkdir -p outputs; ${command}` })} and first__fails {} and second__whoami {}`;
    const session = await sessions.create({
      agent: { model: MODEL, tools: [mcp('first', first), mcp('second', second, SECRETS.inline)] },
      environment: {
        type: 'openai_hosted',
        network: { access: 'restricted', allowed_domains: [ADDRESS] },
      } as never,
      vault_ids: [vault.id],
      input,
    });
    seen.push(JSON.stringify(session));
    const followed = new AbortController();
    let streamed = '';
    const following = follow(session.id, followed.signal, text => void (streamed += text));
    await idle(session.id, 'requires_action');
    const approvals = JSON.parse(await read('/perdure/v1/approvals?status=waiting')) as { data: { id: string }[] };
    await read(`/perdure/v1/approvals/${approvals.data[0]?.id}`);
    const granted = await fetch(`${server.url}/perdure/v1/approvals/${approvals.data[0]?.id}/grant`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    seen.push(await granted.text());
    await idle(session.id);

    // Other tools: what came with the older ones is gone, and this is used.
    bearerOfSecond = SECRETS.replaced;
    const updated = await sessions.update(session.id, {
      agent: { tools: [mcp('second', second, `Bearer ${SECRETS.replaced}`)] },
    });
    seen.push(JSON.stringify(updated));
    await sessions.events.create(session.id, {
      events: [
        {
          type: 'agent.session.input.message',
          input: [{ role: 'user', content: [{ type: 'input_text', text: 'Use second__fails {}' }] }],
        },
      ],
    } as never);
    await expect
      .poll(() => second.asked.some(({ headers }) => headers.authorization === `Bearer ${SECRETS.replaced}`))
      .toBe(true);
    await idle(session.id);

    const items = await read(`/v1/agents/sessions/${session.id}/items?limit=100&order=asc`);
    // It got where it belongs, and was taken out of what came back.
    expect(servedBy.filter(one => one.includes(`Bearer ${SECRETS.variable}`))).toHaveLength(1);
    expect(servedBy.filter(one => one.includes(Buffer.from(`me:${SECRETS.variable}`).toString('base64')))).toHaveLength(
      1,
    );
    expect(first.asked.some(({ headers }) => headers.authorization === `Bearer ${SECRETS.bearer}`)).toBe(true);
    expect(second.asked.some(({ headers }) => headers.authorization === `Bearer ${SECRETS.inline}`)).toBe(true);
    expect(items).toMatch(/SERVICE_KEY=perdure_[0-9a-f]{48}/);
    expect(items).toContain('"exit_code":3');
    expect(items).toContain('[redacted]');

    followed.abort();
    await following;
    expect(streamed).toContain('agent.output.command_execution_output.delta');
    const turns = JSON.parse(await read(`/v1/agents/sessions/${session.id}/turns`)) as { data: { id: string }[] };
    for (const { id } of turns.data) await read(`/v1/agents/sessions/${session.id}/turns/${id}/items?limit=100`);
    for (const path of [
      `/v1/agents/sessions/${session.id}`,
      `/v1/agents/sessions/${session.id}/traces`,
      `/v1/agents/sessions/${session.id}/artifacts`,
      '/v1/agents/sessions',
      '/v1/vaults',
      `/v1/vaults/${vault.id}/credentials`,
      '/v1/agents/environments',
      '/perdure/v1/approvals',
      '/perdure/v1/webhooks',
      '/perdure/v1/placements',
      '/perdure/v1/usage',
      '/perdure/v1/status',
    ])
      await read(path);
    for (const argv of [
      ['vaults', 'list', '--json'],
      ['environments', 'list', '--json'],
      ['environments', 'show', (session.environment as { id: string }).id],
      ['approvals', 'list', '--json'],
      ['placements', 'list', '--json'],
      ['doctor', '--json'],
    ])
      await said(...argv);
    await expect.poll(() => told.length).toBeGreaterThan(0);
    const log = await fetch(`${emulator.url}/_emulator/log`);
    const places = {
      answers: seen.join('\n'),
      events: streamed,
      prompts: await log.text(),
      webhooks: told.join('\n'),
      stdout: server.printed(),
      stderr: server.notes(),
    };
    expect(places.prompts).toContain('SERVICE_KEY=perdure_');
    const leaks = (): readonly string[] =>
      Object.entries(SECRETS).flatMap(([name, secret]) => [
        ...Object.entries(places).flatMap(([where, text]) =>
          holds(Buffer.from(text), secret) ? [`${name} in ${where}`] : [],
        ),
        ...filesWith(place.data, secret).map(file => `${name} in ${file}`),
      ]);
    expect(leaks()).toEqual([]);

    // Gone with the session, and so is what its vault gave it.
    await sessions.delete(session.id);
    await vaults.delete(vault.id);
    expect(await failureOf(sessions.retrieve(session.id))).toMatchObject({ status: 404 });
    server.kill('SIGTERM');
    await server.ended;
    expect(server.notes()).not.toContain('planted-');
    expect(leaks()).toEqual([]);
    server = await place.start();
  },
  180_000,
);

test.skipIf(missing !== null)(
  'what cannot be kept with a session is refused with its place, and nothing of it is told',
  async () => {
    client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'local', maxRetries: 0 });
    const { authorization } = { authorization: planted('refused') };
    const of = (tool: object) =>
      failureOf(
        client.beta.agents.sessions.create({
          agent: { model: MODEL, tools: [tool as never] },
          environment: { type: 'none' },
          input: 'Hello.',
        }),
      );
    const base = mcp('second', second, authorization);
    for (const [tool, code, param] of [
      [{ ...base, credential_id: 'cred_1' }, 'invalid_request', 'authorization'],
      [mcp('second', second, `${authorization}\r\nx: y`), 'invalid_request', 'authorization'],
      [mcp('second', second, ` ${authorization}`), 'invalid_request', 'authorization'],
    ] as const) {
      const failure = await of(tool);
      expect(failure).toMatchObject({ status: 400, code, param: `agent.tools[0].transport.${param}` });
      expect(JSON.stringify(failure)).not.toContain('planted-');
    }
    expect(filesWith(place.data, authorization)).toEqual([]);
  },
);
