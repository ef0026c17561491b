/** `perdure explain` of a call that nobody makes: on what is in force, or on the configuration. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireDataLock } from '../store/sqlite/data-lock.ts';
import { perdure } from './cli/captured-io.test-support.ts';

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'perdure-basis-'));
  writeFileSync(
    join(cwd, 'perdure.yaml'),
    `
as_of: 2026-03-20
targets:
  - {id: az, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "http://127.0.0.1:1/v1"}
  - {id: aw, vendor: openai, model: gpt, cloud: aws, region: us-east-1, base_url: "http://127.0.0.1:2/v1"}
homes:
  - {id: home, cloud: azure, region: eastus2}
contracts: [none]
data: data
`,
  );
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const done = async (...argv: readonly string[]): Promise<string> => {
  const { code, out, err } = await perdure(argv, { cwd });
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  return out;
};

interface Explained {
  readonly basis: { readonly source: string; readonly activation: string | null; readonly events: readonly object[] };
  readonly against: readonly (readonly [string, readonly string[]])[];
}

const explained = async (...flags: readonly string[]): Promise<Explained & { readonly err: string }> => {
  const { out, err } = await perdure(['explain', '--stateless', '--channel', 'bedrock', '--json', ...flags], { cwd });
  const { basis, infer } = JSON.parse(out) as Explained & {
    infer: { rows: { id: string; against: { clause: string }[] }[] };
  };
  return { basis, against: infer.rows.map(({ id, against }) => [id, against.map(({ clause }) => clause)]), err };
};

test('where nothing was ever started, the configuration decides, and no folder is made', async () => {
  const { basis, against, err } = await explained();
  expect(basis).toMatchObject({ source: 'configuration', activation: null });
  expect(against).toEqual([
    ['az', []],
    ['aw', []],
  ]);
  expect(err).toContain('decided on the contracts of the configuration (nothing was activated in');
  expect(existsSync(join(cwd, 'data'))).toBe(false);
});

test('what is in force decides: active set, waivers and recorded events, also beside who holds the folder', async () => {
  const activated = await done('contracts', 'activate', 'openai-2026-02');
  const id = /^act_\w+/.exec(activated)?.[0] ?? '';
  const { basis, against, err } = await explained();
  expect(basis).toMatchObject({ source: 'active', activation: id, events: [] });
  expect(against).toEqual([
    ['az', []],
    ['aw', ['joint.stateless']],
  ]);
  expect(err).toContain(`decided on ${id} (openai-2026-02), in force in`);

  // The configuration can still be asked for, and readings be supposed, over what is in force.
  expect((await explained('--contracts', 'none')).against[1]).toEqual(['aw', []]);
  expect((await explained('--contracts', 'none')).err).toContain(`decided on --contracts, in the place of ${id}`);

  const waiver = ['--contract', 'openai-2026-02', '--clause', 'joint.stateless', '--tenant', 'acme'];
  await done('waivers', 'grant', ...waiver, '--from', '2026-03-01', '--until', '2026-03-25', '--reason', 'a test');
  expect((await explained('--tenant', 'acme')).against[1]).toEqual(['aw', []]);
  expect((await explained('--tenant', 'other')).against[1]).toEqual(['aw', ['joint.stateless']]);
  expect((await explained('--tenant', 'acme', '--as-of', '2026-03-26')).against[1]).toEqual([
    'aw',
    ['joint.stateless'],
  ]);

  await done('events', 'record', 'agi-verified', '--date', '2026-03-10', '--source', 'a panel');
  const lock = acquireDataLock(join(cwd, 'data'));
  try {
    const beside = await explained();
    expect(beside.basis.events).toEqual([{ id: 'agi-verified', date: '2026-03-10' }]);
    expect(beside.against[1]).toEqual(['aw', []]);
    expect(beside.err).toContain('waivers: 1, events: 1');
  } finally {
    lock.release();
  }
}, 60_000);
