/** `perdure permissions` and `perdure approvals` as commands: what they print, and how they end. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';

vi.setConfig({ testTimeout: 60_000 });

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-permissions-command-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const run = (...args: readonly string[]): ReturnType<typeof perdure> => perdure([...args], { cwd: dir });

test('check tells what policies there are, or what is wrong with them and where', async () => {
  const good = await run('permissions', 'check', 'example');
  expect(good.code).toBe(0);
  expect(good.out).toMatch(/no-secrets +forbid +example\/permissions\.cedar:11 +security handbook 4\.1/);
  expect(good.out).toMatch(/ok: 8 policies; what none speaks of: by-tool/);
  mkdirSync(join(dir, 'own'));
  writeFileSync(
    join(dir, 'own', 'a.cedar'),
    '\n@id("x") permit (principal, action, resource) when { resource.color };',
  );
  const bad = await run('permissions', 'check', './own');
  expect([bad.code, bad.out]).toEqual([
    3,
    expect.stringMatching(/^own\/a\.cedar:2: error cedar_invalid: [\s\S]*not ok\n$/),
  ]);
  const asJson = JSON.parse((await run('permissions', 'check', './own', '--json')).out) as { ok: boolean };
  expect(asJson).toMatchObject({ ok: false, findings: [{ file: 'own/a.cedar', line: 2 }] });
  expect(await run('permissions', 'check', './nowhere')).toMatchObject({ code: 2 });
});

test('explain names the verdict and the policies, of the configuration or of those named', async () => {
  const explain = (...args: readonly string[]) => run('permissions', 'explain', ...args);
  const denied = await explain('--tool', 'shell', '--args', '{"command":"rm -rf /"}', '--permissions', 'example');
  expect(denied.code).toBe(3);
  expect(denied.out).toMatch(/^deny: a policy forbids it\nPOLICY[\s\S]*no-recursive-delete +forbid/);
  const refund = await explain(
    '--tool',
    'refund',
    '--args',
    '{"amount_cents":4000}',
    '--agent-name',
    'support',
    '--permissions',
    'example',
    '--json',
  );
  expect(refund.code).toBe(0);
  expect(JSON.parse(refund.out)).toMatchObject({
    verdict: 'ask',
    by: 'ask',
    auto_review: 'permit',
    reasons: [{ id: 'refunds' }],
  });
  mkdirSync(join(dir, 'own'));
  writeFileSync(join(dir, 'own', 'a.cedar'), '@id("x") forbid (principal, action, resource in Server::"github");');
  writeFileSync(
    join(dir, 'perdure.yaml'),
    'permissions: [./own]\npermissions_default: ask\ntargets:\n  - {id: a, vendor: v, model: m, cloud: local, region: r, base_url: "http://127.0.0.1:1/v1"}\n',
  );
  expect((await explain('--tool', 't', '--origin', 'mcp:github/create')).out).toMatch(/^deny: a policy forbids it/);
  expect((await explain('--tool', 't', '--origin', 'mcp:other')).out).toMatch(
    /^ask: no policy speaks of it, so the default decides\nunder auto_review: deny\n/,
  );
  for (const wrong of [
    ['--args', '[1]'],
    ['--args', 'x'],
    ['--origin', 'mcp'],
    ['--origin', 'builtin:x'],
    ['--agent-version', '0'],
    ['--as-of', 'yesterday'],
  ])
    expect([wrong, (await explain('--tool', 't', ...wrong)).code]).toEqual([wrong, 2]);
});

test('a configuration that names folders which are not there, or what no policy can be, is refused', async () => {
  const target =
    'targets:\n  - {id: a, vendor: v, model: m, cloud: local, region: r, base_url: "http://127.0.0.1:1/v1"}\n';
  const told = async (text: string): Promise<string> => {
    writeFileSync(join(dir, 'perdure.yaml'), text + target);
    const { code, err } = await run('permissions', 'check');
    expect(code).toBe(2);
    return err;
  };
  expect(await told('permissions: [./nowhere]\n')).toMatch(/permissions\[0\]: no folder of permissions/);
  expect(await told('permissions_default: maybe\n')).toMatch(/permissions_default/);
  const hook = (more: string): string =>
    `webhooks:\n  - {id: a, url: "https://a.test", secret: "whsec_${Buffer.alloc(24).toString('base64')}"${more}}\n`;
  expect(await told(hook(', events: [no.such]'))).toMatch(/webhooks\[0\]\.events/);
  expect(await told(hook('').replace('https:', 'http:'))).toMatch(/webhooks\[0\]\.url/);
  expect(await told(hook('').replace(/whsec_[^"]+/, 'short'))).toMatch(/webhooks\[0\]\.secret/);
  expect(await told(hook('') + hook('').replace('webhooks:\n', ''))).toMatch(/is that of another one too/);
});

test('approvals wants a server and words that it knows', async () => {
  const env = { PERDURE_URL: 'http://127.0.0.1:1' };
  const ask = (...args: readonly string[]): ReturnType<typeof perdure> =>
    perdure(['approvals', ...args], { cwd: dir, env });
  expect(await ask('list', '--status', 'no')).toMatchObject({ code: 2 });
  expect(await ask('resolve', 'appr_x', '--outcome', 'no')).toMatchObject({ code: 2 });
  for (const args of [['list'], ['show', 'a'], ['grant', 'a'], ['deny', 'a'], ['resolve', 'a', '--outcome', 'give_up']])
    expect([args, (await ask(...args)).code]).toEqual([args, 3]);
});
