/**
 * An agent with everything real but its model: MCP servers from npm over stdio and HTTP, commands in bubblewrap, a person who is asked, and a
 * server process that is killed in the middle of it (L6, L7).
 */
import { startEmulator, type Emulator } from '@perdure/emulator';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ServerProcess, Workplace } from '../support/server-process.ts';
import { MODEL, targetOf } from '../support/stack.ts';

type Session = OpenAI.Beta.AgentSession;

/** What the test itself waits for; far above what anything takes on a busy machine. */
const PATIENCE_MS = 120_000;
const BUBBLEWRAP = spawnSync('bwrap', ['--version']).status === 0;
/** A tool with a side effect outside of the server, which its key makes harmless to repeat. It stands still once it has done it, the first time. */
const STAMP = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
export default ({ defineTool, z }) => [
  defineTool({
    name: 'stamp',
    description: 'Stamps a paper.',
    idempotent: true,
    input: z.object({ paper: z.string(), file: z.string() }),
    async run({ paper, file }, { key, signal }) {
      const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
      if (before.includes(key)) return paper + ' was stamped before';
      appendFileSync(file, key + ' ' + paper + '\\n');
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      return 'never';
    },
  }),
];
`;
const RULES = `
@id("stamps-ask")
permit (principal, action == Action::"ask_for_tool", resource == Tool::"stamp");
@id("reading-runs")
permit (principal, action == Action::"call_tool", resource) when { resource.origin == "mcp" && resource.idempotent };
`;

let emulator: Emulator;
let place: Workplace;
let everything: { readonly url: string; readonly child: ChildProcess };
beforeAll(async () => {
  emulator = await startEmulator({ clouds: ['azure'] });
  everything = await startEverything();
}, PATIENCE_MS);
afterAll(async () => {
  everything.child.kill('SIGKILL');
  await emulator.close();
});

beforeEach(() => {
  place = new Workplace();
  mkdirSync(join(place.folder, 'rules'));
  mkdirSync(shared());
  writeFileSync(join(place.folder, 'rules', 'rules.cedar'), RULES);
  writeFileSync(join(place.folder, 'stamp.mjs'), STAMP);
  writeFileSync(join(shared(), 'facts.txt'), 'The harbour opens at six.');
  const host = new URL(everything.url).host;
  place.configure({
    data: place.data,
    targets: [targetOf(emulator, 'azure')],
    tools: './stamp.mjs',
    permissions: ['./rules'],
    mcp: {
      mode: 'allow-list',
      hosts: [host],
      private_hosts: [host],
      stdio: [{ name: 'files', command: process.execPath, args: [programOf('server-filesystem'), shared()] }],
      trusted: ['files', host],
      // On a machine that is busy with other things a process takes long to start, and a turn whose server is required fails without it.
      limits: { connect_ms: 60_000 },
    },
    workspaces: { isolation: BUBBLEWRAP ? 'required' : 'preferred' },
  });
});
afterEach(() => place.close());

const shared = (): string => join(place.folder, 'shared');

function programOf(name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`@modelcontextprotocol/${name}/package.json`);
  return join(dirname(manifest), 'dist/index.js');
}

async function startEverything(): Promise<typeof everything> {
  const port = await freePort();
  const env = { PATH: process.env['PATH'], PORT: String(port) };
  const child = spawn(process.execPath, [programOf('server-everything'), 'streamableHttp'], { env, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}/mcp`;
  await until(() =>
    fetch(url).then(
      () => true,
      () => false,
    ),
  );
  return { url, child };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await what()); ) {
    if (Date.now() > end) throw new Error('it never came');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

const clientOf = ({ url }: ServerProcess): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: 'local', maxRetries: 0 });

const MCP = () => [
  { type: 'mcp', server_label: 'files', transport: { type: 'stdio', command: 'files', cwd: '/' }, required: true },
  { type: 'mcp', server_label: 'all', transport: { type: 'http', server_url: everything.url }, required: true },
];

async function begin(on: ServerProcess, input: string): Promise<string> {
  const body = { environment: { type: 'openai_hosted' }, agent: { model: MODEL, tools: MCP() }, input };
  type Params = Parameters<OpenAI['beta']['agents']['sessions']['create']>[0];
  return ((await clientOf(on).beta.agents.sessions.create(body as Params)) as Session).id;
}

async function becomes(on: ServerProcess, id: string, status: Session['status']): Promise<Session> {
  let session: Session | null = null;
  await until(async () => {
    session = await clientOf(on).beta.agents.sessions.retrieve(id);
    return session.status === status;
  });
  if (session === null) throw new Error('no session');
  return session;
}

async function say(on: ServerProcess, id: string, text: string): Promise<void> {
  await clientOf(on).beta.agents.sessions.events.create(id, {
    events: [
      { type: 'agent.session.input.message', input: [{ role: 'user', content: [{ type: 'input_text', text }] }] },
    ],
  });
}

interface Waits {
  readonly type: string;
  readonly approval_id: string;
}

const waitsFor = ({ required_actions: actions }: Session): readonly Waits[] => actions as unknown as readonly Waits[];

async function decide(
  on: ServerProcess,
  approval: string | undefined,
  how: string,
  body: object = {},
): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const path = `${on.url}/perdure/v1/approvals/${approval ?? ''}/${how}`;
  return (await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })).status;
}

async function itemsOf(on: ServerProcess, id: string): Promise<readonly OpenAI.Beta.AgentSessionItem[]> {
  return (await clientOf(on).beta.agents.sessions.items.list(id, { order: 'asc', limit: 100 })).data;
}

async function killed(server: ServerProcess): Promise<ServerProcess> {
  server.kill('SIGKILL');
  await server.ended;
  return place.start();
}

/** A file of the workspace, as it lies on the host; null if it is not there. */
function inWorkspace(name: string): string | null {
  const found = readdirSync(place.data, { recursive: true, encoding: 'utf8' }).find(path =>
    path.endsWith(`/root/${name}`),
  );
  return found === undefined ? null : readFileSync(join(place.data, found), 'utf8');
}

async function artifactsOf(on: ServerProcess, id: string): Promise<readonly (readonly [string, string])[]> {
  const { artifacts } = clientOf(on).beta.agents.sessions;
  const { data } = await artifacts.list(id);
  return Promise.all(
    data.map(async one => [one.path, await (await artifacts.content(one.id, { session_id: id })).text()] as const),
  );
}

const SCRIPT = 'mkdir -p outputs && echo one >> ledger.txt && wc -l < ledger.txt > outputs/count.txt';

test('it reads by MCP, waits over a kill to run its script, is killed in its tool, and ends with every side effect once', async () => {
  let server = await place.start();
  const id = await begin(
    server,
    `Do files__read_text_file {"path":"${join(shared(), 'facts.txt')}"} and all__get-sum {"a":20,"b":3}.`,
  );
  await becomes(server, id, 'idle');
  const read = JSON.stringify((await itemsOf(server, id)).filter(item => item.type === 'mcp_call'));
  expect(read).toContain('The harbour opens at six.');
  expect(read).toContain('23');

  await say(server, id, `Use shell ${JSON.stringify({ command: SCRIPT })}`);
  const asked = await becomes(server, id, 'requires_action');
  server = await killed(server);
  const again = await becomes(server, id, 'requires_action');
  expect(waitsFor(again)).toEqual(waitsFor(asked));
  const [{ approval_id: approval } = { approval_id: '' }] = waitsFor(again);
  expect(await Promise.all([decide(server, approval, 'grant'), decide(server, approval, 'grant')])).toEqual(
    expect.arrayContaining([200, 409]),
  );
  await becomes(server, id, 'idle');
  expect(inWorkspace('ledger.txt')).toBe('one\n');
  expect(await artifactsOf(server, id)).toEqual([['/workspace/outputs/count.txt', '1\n']]);

  const stamps = join(place.folder, 'stamps.txt');
  await say(server, id, `Now stamp ${JSON.stringify({ paper: 'permit 7', file: stamps })}`);
  const stamp = waitsFor(await becomes(server, id, 'requires_action'));
  expect(await decide(server, stamp[0]?.approval_id, 'grant')).toBe(200);
  await until(() => existsSync(stamps) && readFileSync(stamps, 'utf8').endsWith('\n'));
  server = await killed(server);
  await becomes(server, id, 'idle');
  const turns = (await clientOf(server).beta.agents.sessions.turns.list(id)).data;
  expect(turns.map(({ status, error }) => [status, error])).toEqual(turns.map(() => ['completed', null]));
  expect(readFileSync(stamps, 'utf8')).toMatch(/^[0-9a-f]{64} permit 7\n$/);
  expect(JSON.stringify(await itemsOf(server, id))).toContain('permit 7 was stamped before');
  expect(inWorkspace('ledger.txt')).toBe('one\n');
}, 600_000);

/** It has done its work once the line is there; then it takes its time. */
const SLOW = `echo line >> ledger.txt; if [ ! -f again ]; then touch again; sleep 60; fi; ${SCRIPT.replace('echo one >> ledger.txt && ', '')}`;

test.each([
  {
    outcome: 'run_again',
    body: {},
    ledger: 'line\nline\n',
    artifacts: [['/workspace/outputs/count.txt', '2\n']],
    told: '"exit_code":0',
  },
  { outcome: 'give_up', body: {}, ledger: 'line\n', artifacts: [], told: 'not known' },
  { outcome: 'completed', body: { output: 'It was sent.' }, ledger: 'line\n', artifacts: [], told: 'It was sent.' },
])(
  'a command that was killed is not run twice: people are asked, and it goes on by $outcome',
  async ({ outcome, body, ledger, artifacts, told }) => {
    let server = await place.start();
    const id = await begin(server, `Use shell ${JSON.stringify({ command: SLOW })}`);
    const asked = waitsFor(await becomes(server, id, 'requires_action'));
    expect(await decide(server, asked[0]?.approval_id, 'grant')).toBe(200);
    await until(() => inWorkspace('again') !== null);
    server = await killed(server);
    const unknown = waitsFor(await becomes(server, id, 'requires_action'));
    expect(unknown.map(({ type }) => type)).toEqual(['perdure.outcome_unknown']);
    expect(inWorkspace('ledger.txt')).toBe('line\n');
    // Granting what was granted before opens nothing.
    expect(await decide(server, asked[0]?.approval_id, 'grant')).toBe(409);
    expect(await decide(server, unknown[0]?.approval_id, 'resolve', { outcome, ...body })).toBe(200);
    await becomes(server, id, 'idle');
    expect(inWorkspace('ledger.txt')).toBe(ledger);
    expect(await artifactsOf(server, id)).toEqual(artifacts);
    expect(JSON.stringify(await itemsOf(server, id))).toContain(told);
  },
  600_000,
);
