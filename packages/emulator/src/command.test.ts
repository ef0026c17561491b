import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';

// For a loaded machine: nothing here takes long by itself.
vi.setConfig({ testTimeout: 60_000 });

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Run {
  readonly child: ChildProcess;
  readonly firstLine: Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

function run(...args: string[]): Run {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  children.push(child);
  let out = '';
  let err = '';
  const firstLine = new Promise<string>(resolve => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (out.includes('\n')) resolve(out.split('\n', 1)[0] ?? '');
    });
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  return { child, firstLine, ended };
}

test('it says where it listens and what it is, and ends on SIGTERM', async () => {
  const { child, firstLine, ended } = run('--port', '0', '--clouds', 'aws');
  const line = await firstLine;
  expect(line).toMatch(/^perdure emulator \(EMULATED, not a model\) listening on http:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(`${line.split(' ').at(-1)}/aws/v1/models`)).status).toBe(200);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('as JSON, with a fault of every request; a hanging one does not keep it from its end', async () => {
  const { child, firstLine, ended } = run('--json', '--clouds', 'azure, aws', '--fault', 'hang', '--latency', '5');
  const { url, clouds } = JSON.parse(await firstLine) as { url: string; clouds: Record<string, string> };
  expect(clouds).toEqual({ azure: `${url}/azure/v1`, aws: `${url}/aws/v1` });
  const hanging = fetch(`${url}/aws/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"m","input":"x"}',
  }).catch(() => 'ended');
  for (let seen = 0; seen < 1; )
    seen = ((await (await fetch(`${url}/_emulator/health`)).json()) as { requests: number }).requests;
  child.kill('SIGINT');
  expect(await hanging).toBe('ended');
  expect((await ended).code).toBe(0);
});

test('it does not outlive the process that started it', async () => {
  const { child, firstLine, ended } = run('--exit-with-parent');
  await firstLine;
  child.stdin?.end();
  expect((await ended).code).toBe(0);
});

test('help, and what it cannot do', async () => {
  const help = await run('--help').ended;
  expect([help.code, help.out.split('\n')[0]]).toEqual([0, 'Usage: perdure emulator [options]']);
  for (const args of [['--port', '65536'], ['--fault', 'explode'], ['--latency', 'soon'], ['--nonsense']]) {
    const { code, err, out } = await run(...args).ended;
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^perdure emulator: .+/);
  }
  expect((await run('--clouds', 'Not A Cloud').ended).code).toBe(1);
});
