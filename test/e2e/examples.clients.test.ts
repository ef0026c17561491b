import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { main } from '../../packages/server/src/main/cli.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

const CONFIG = fileURLToPath(new URL('../../examples/contracts/perdure.yaml', import.meta.url));
const ACME = fileURLToPath(new URL('../../examples/contracts/acme', import.meta.url));

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Runs an example as it stands, against the stack; what it printed. Importing it also makes the compiler check it. */
async function output(run: () => Promise<unknown>): Promise<string> {
  const printed: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => void printed.push(words.join(' ')));
  vi.stubEnv('PERDURE_URL', stack.url);
  vi.stubEnv('PERDURE_MODEL', MODEL);
  await run();
  return printed.join('\n');
}

test('chat: each turn knows the ones before it, and says where it ran', async () => {
  const text = await output(() => import('../../examples/chat.ts'));
  expect(text).toContain('> How many tonnes of fish does she carry?\n[emulated');
  expect(text).toMatch(/"She leaves Bergen on Tuesday\."/);
  expect(text).toMatch(/"She carries 40 tonnes of dried fish\."/);
  expect(text.match(/ran on \w+/g)).toHaveLength(3);
  expect(text).toContain('state in home local');
});

test('tools: the call goes out, its answer comes back', async () => {
  const text = await output(() => import('../../examples/tools.ts'));
  expect(text).toContain('the model calls tide({"port":"Bergen"})');
  expect(text).toContain('High water at Bergen is at 14:20.');
});

test('agent: a command waits for a person, over a restart; what it made is there after it', async () => {
  const { argv } = process;
  try {
    process.argv = ['node', 'agent.ts'];
    const before = await output(() => import('../../examples/agent.ts'));
    const id = /^session (\w+)$/m.exec(before)?.[1] ?? '';
    expect(before.endsWith('agent.session.requires_action')).toBe(true);
    await stack.restart();
    const response = await stack.request('GET', `/perdure/v1/approvals?status=waiting&session_id=${id}`);
    const { data } = (await response.json()) as { readonly data: readonly { readonly id: string }[] };
    expect(data).toHaveLength(1);
    await stack.request('POST', `/perdure/v1/approvals/${data[0]?.id}/grant`, { body: {} });
    vi.resetModules();
    process.argv = ['node', 'agent.ts', id];
    const after = await output(() => import('../../examples/agent.ts'));
    expect(after).toContain('the agent ran: mkdir -p outputs');
    expect(after.endsWith('agent.session.idle\n/workspace/outputs/report.txt:\nHamburg 17:05\nHarwich 14:20\n')).toBe(
      true,
    );
  } finally {
    process.argv = argv;
  }
}, 60_000);

describe('contracts: what its README says', () => {
  async function explain(...flags: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
    const printed: string[] = [];
    const told = (text: string): void => void printed.push(text);
    const io = { out: told, err: told, env: {}, cwd: '/' };
    const code = await main(['explain', '--config', CONFIG, ...flags], io);
    return { code, text: printed.join('') };
  }
  const frontier = ['--product', 'frontier', '--channel', 'bedrock'];

  test.each([
    [
      'Frontier through Bedrock',
      frontier,
      0,
      ['placed on gpt-aws-us', 'placed on aws', 'amzn.inference', 'amzn.state'],
    ],
    [
      '... as Microsoft reads it',
      [...frontier, '--reading', 'microsoft'],
      0,
      ['placed on gpt-azure-us', 'placed on aws', 'joint.stateless'],
    ],
    ['the European tenant', ['--tenant', 'acme-eu'], 0, ['placed on gpt-azure-eu', 'placed on azure-eu', 'acme.eu']],
    ['restricted data', ['--label', 'restricted'], 0, ['placed on gpt-azure-eu', 'data.clearance']],
    [
      'the European tenant, Frontier through Bedrock',
      [...frontier, '--tenant', 'acme-eu'],
      3,
      ['placement_refused', 'would free it', 'without acme.eu'],
    ],
  ] as const)('%s', async (_, flags, code, words) => {
    const found = await explain(...flags);
    expect(found.code).toBe(code);
    for (const word of words) expect(found.text).toContain(word);
  });

  test('its own contract has no fault', async () => {
    const printed: string[] = [];
    const told = (text: string): void => void printed.push(text);
    expect(await main(['contracts', 'check', ACME], { out: told, err: told, env: {}, cwd: '/' })).toBe(0);
  });
});
