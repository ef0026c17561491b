/** The Codex CLI as its users have it, with this server as its model provider: a task that runs a command, and sessions that are resumed. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MODEL, type Stack, startStack, targetOf } from '../../support/stack.ts';
import { installedCodex } from './installed-codex.ts';

let stack: Stack;
let launcher = '';
beforeAll(async () => {
  launcher = await installedCodex();
  stack = await startStack({
    config: emulator => ({
      targets: [
        targetOf(emulator, 'aws'),
        targetOf(emulator, 'aws', { id: 'other', model: OTHERS['openai-responses'] }),
        targetOf(emulator, 'azure', { model: OTHERS['openai-chat'], dialect: 'openai-chat' }),
      ],
    }),
  });
}, 400_000);
afterAll(() => stack.close());

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-codex-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  /** What it printed with `--json`, a line each. */
  readonly events: readonly CodexEvent[];
  /** What the agent said last. */
  readonly said: string;
}
interface CodexEvent {
  readonly type: string;
  readonly thread_id?: string;
  readonly item?: {
    readonly type: string;
    readonly text?: string;
    readonly message?: string;
    readonly exit_code?: number;
    readonly tool?: string;
    readonly server?: string;
    readonly status?: string;
  };
}

/** Models that Codex does not know: it tells them of the tools themselves, in namespaces, and not of a search for them. */
const OTHERS = { 'openai-responses': 'other-model', 'openai-chat': 'other-chat-model' } as const;
const isNews = ({ item }: CodexEvent): boolean => item?.message?.startsWith('Model metadata for ') === true;

/** Runs `codex exec` in the test's folder. */
const codex = (transport: string, ...argv: readonly string[]): Promise<Ended> => codexOf(MODEL, transport, ...argv);
async function codexOf(model: string, transport: string, ...argv: readonly string[]): Promise<Ended> {
  writeFileSync(
    join(folder, 'config.toml'),
    [
      `model = "${model}"`,
      'model_provider = "perdure"',
      '[model_providers.perdure]',
      'name = "perdure"',
      `base_url = "${stack.url}/v1"`,
      'env_key = "PERDURE_KEY"',
      'wire_api = "responses"',
      `supports_websockets = ${transport === 'WebSocket'}`,
      '[mcp_servers.w]',
      `command = ${JSON.stringify(process.execPath)}`,
      `args = [${JSON.stringify(join(import.meta.dirname, 'weather-server.mjs'))}]`,
    ].join('\n'),
  );
  const env = { PATH: process.env['PATH'], HOME: folder, CODEX_HOME: folder, PERDURE_KEY: 'local', RUST_LOG: 'off' };
  // The commands that it runs are this test's own.
  const flags = ['--skip-git-repo-check', '--json', '--dangerously-bypass-approvals-and-sandbox'];
  const child = spawn(process.execPath, [launcher, 'exec', ...flags, ...argv], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const code = await new Promise<number | null>(resolve => child.on('close', resolve));
  const events = printed
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as CodexEvent);
  const messages = events.filter(event => event.item?.type === 'agent_message');
  return { code, events, said: messages.at(-1)?.item?.text ?? '' };
}

describe.each(['HTTP', 'WebSocket'])('over %s', transport => {
  test('it runs a command for the model, and says what came of it', async () => {
    const { code, events, said } = await codex(
      transport,
      'Use exec_command {"cmd":"echo made by the agent > made.txt; cat made.txt"} please.',
    );
    expect(events.filter(event => event.type === 'error' || event.item?.type === 'error')).toEqual([]);
    expect(code).toBe(0);
    expect(readFileSync(join(folder, 'made.txt'), 'utf8')).toBe('made by the agent\n');
    expect(events.map(event => event.item?.exit_code)).toContain(0);
    expect(said).toContain('made by the agent');
  });

  test.each(['openai-responses', 'openai-chat'] as const)(
    'it calls a tool of an MCP server, over %s',
    async dialect => {
      const name = dialect === 'openai-chat' ? 'mcp__w__weather_lookup' : 'weather_lookup';
      const ask = `Use ${name} {"city":"Oslo"} please.`;
      const { code, events, said } = await codexOf(OTHERS[dialect], transport, ask);
      const failed = events.filter(event => event.type === 'error' || event.item?.type === 'error');
      expect(failed.filter(event => !isNews(event))).toEqual([]);
      expect(events.map(event => event.item)).toContainEqual(
        expect.objectContaining({ type: 'mcp_tool_call', server: 'w', tool: 'weather_lookup', status: 'completed' }),
      );
      expect(said).toContain('It snows in Oslo.');
      expect(code).toBe(0);
    },
  );

  test('it resumes a session', async () => {
    const first = await codex(transport, 'My dog is called Rex.');
    const thread = first.events.find(event => event.type === 'thread.started')?.thread_id;
    if (thread === undefined) throw new Error('no thread');
    const second = await codex(transport, 'resume', thread, 'What is my dog called?');
    expect(second.events.filter(event => event.type === 'error' || event.item?.type === 'error')).toEqual([]);
    expect(second.said).toContain('Rex');
    expect(existsSync(join(folder, 'sessions'))).toBe(true);
    const third = await codex(transport, 'resume', '--last', 'Again: what is my dog called?');
    expect(third.said).toContain('Rex');
  });
});
