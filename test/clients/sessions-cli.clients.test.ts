/** `perdure sessions`, against a server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perdure } from '../../packages/server/src/main/cli/captured-io.test-support.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

const KEYS = { acme: 'cli-acme-key-0123456789', brief: 'cli-brief-key-012345678' };
let stack: Stack;
let cwd: string;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'perdure-sessions-cli-'));
  stack = await startStack({
    clouds: ['azure'],
    config: {
      permissions_default: 'ask',
      keys: [
        { name: 'acme', secret: KEYS.acme, tenant: 'acme', scopes: ['inference', 'approve'] },
        { name: 'brief', secret: KEYS.brief, tenant: 'brief', scopes: ['inference'] },
      ],
    },
  });
}, 60_000);
afterAll(async () => {
  await stack.close();
  rmSync(cwd, { recursive: true, force: true });
});

const run = (argv: readonly string[], key = KEYS.acme) =>
  perdure(argv, { cwd, env: { PERDURE_URL: stack.url, PERDURE_API_KEY: key } });
const sessions = (...argv: readonly string[]) => run(['sessions', ...argv]);

async function becomes(id: string, status: string): Promise<void> {
  for (;;) {
    const { out } = await sessions('show', id, '--json');
    if ((JSON.parse(out) as { status: string }).status === status) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

test('is begun, told more, shown and erased', async () => {
  expect(await sessions('list')).toMatchObject({ code: 0, out: 'There are no sessions.\n' });
  const begun = await sessions('start', '--model', MODEL, '--follow', 'My dog is called Rex. What is my dog called?');
  const [id = '', ...told] = begun.out.split('\n');
  expect(id).toMatch(/^sess_/);
  expect(told.join('\n')).toMatch(/^user: My dog is called Rex.*\nassistant: .*Rex.*\n-- idle\n$/);
  const more = await sessions('send', id, '--follow', 'What is my dog called?');
  expect(more).toMatchObject({ code: 0, out: expect.stringMatching(/^user: What.*\nassistant: .*Rex.*\n-- idle\n$/) });
  const shown = await sessions('show', id, '--items', '1');
  expect(shown.out).toContain(`${id}  idle`);
  expect(shown.out.match(/^turn_\w+ +completed/gm)).toHaveLength(2);
  expect(shown.out.match(/^(user|assistant):/gm)).toEqual(['assistant:']);
  const all = await sessions('follow', id, '--all', '--until-idle', '--json');
  const types = all.out
    .trim()
    .split('\n')
    .map(line => (JSON.parse(line) as { type: string }).type);
  expect([types.at(0), types.at(-1)]).toEqual(['agent.session.in_progress', 'agent.session.idle']);
  expect((await sessions('list', '--limit', '1')).out).toContain(id);
  const listed = JSON.parse((await sessions('list', '--limit', '1', '--json')).out) as unknown;
  expect(listed).toMatchObject({ object: 'list', data: [{ id }], has_more: false });
  expect(await sessions('delete', id)).toMatchObject({ code: 0, out: `${id} is gone, and erased.\n` });
  expect(await sessions('follow', id)).toMatchObject({ code: 1, err: expect.stringContaining('not found') });
});

test('that waits says for what, and is followed to its end; or is cancelled', async () => {
  const waits = async (): Promise<string> => {
    const { out } = await sessions(
      'start',
      '--model',
      MODEL,
      '--environment',
      'hosted',
      'Use shell {"command":"echo hi"}',
    );
    await becomes(out.trim(), 'requires_action');
    return out.trim();
  };
  const [one, two] = [await waits(), await waits()];
  const { out } = await sessions('show', one);
  const [, approval = ''] = /perdure approvals grant (\S+)/.exec(out) ?? [];
  const following = sessions('follow', one, '--all', '--until-idle');
  expect(await run(['approvals', 'grant', approval])).toMatchObject({ code: 0 });
  expect((await following).out).toMatch(/hi\n[^]*\[exit code 0\]\n[^]*-- idle\n$/);
  const cancelled = await sessions('cancel', two, '--json');
  expect(JSON.parse(cancelled.out)).toEqual({ id: two, object: 'agent.session', cancel_requested: true });
  await becomes(two, 'idle');
  expect((await sessions('show', two)).out).toMatch(/^turn_\w+ +cancelled/m);
});

test('of another tenant is not there; what is not right is said', async () => {
  const { out } = await sessions('start', '--model', MODEL, 'Hello.');
  const id = out.trim();
  for (const argv of [
    ['show', id],
    ['follow', id],
    ['send', id, 'x'],
    ['cancel', id],
    ['delete', id],
  ])
    expect(await run(['sessions', ...argv], KEYS.brief)).toMatchObject({
      code: 1,
      err: expect.stringContaining('not found'),
    });
  expect(await sessions('start', 'Hi')).toMatchObject({ code: 2, err: 'Give either --model or --agent.\n' });
  expect(await sessions('start', '--model', MODEL, '--environment', 'moon', 'Hi')).toMatchObject({ code: 2 });
  expect(await sessions('start', '--model', 'unknown', 'Hi')).toMatchObject({
    code: 1,
    err: expect.stringContaining('unknown'),
  });
  expect(await run(['sessions', 'list'], 'wrong-key-0123456789abc')).toMatchObject({ code: 3 });
  const nobody = await perdure(['sessions', 'follow', id], { cwd, env: { PERDURE_URL: 'http://127.0.0.1:9' } });
  expect(nobody).toMatchObject({ code: 3, err: expect.stringContaining('nobody answers') });
});
