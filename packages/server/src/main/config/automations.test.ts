import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { parseConfig } from './load.ts';
import type { Config } from './config.ts';

const TARGET = { id: 't', vendor: 'v', model: 'm', cloud: 'aws', region: 'r', host_check: 'off' };
const targets = [{ ...TARGET, base_url: 'http://127.0.0.1:1/v1' }];

function of(automations: unknown): Config['automations'] {
  const text = JSON.stringify({ targets, ...(automations !== undefined && { automations }) });
  return parseConfig(text, { file: 'test.yaml', env: {}, base: tmpdir() }).config.automations;
}
const accepted = (automations: unknown): boolean => {
  try {
    of(automations);
    return true;
  } catch {
    return false;
  }
};

test('what is absent has its default, and the page says the defaults', () => {
  const all = { missed: 'run_once', graceMs: 300_000, perTenant: 1_000, kept: 1_000, tryMs: 3_600_000 };
  for (const given of [undefined, null, {}, { missed: null, kept: null }]) expect(of(given)).toEqual(all);
  const page = readFileSync(new URL('../../../../../docs/automations.md', import.meta.url), 'utf8');
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const text = `${example}targets: ${JSON.stringify(targets)}\n`;
  expect(parseConfig(text, { file: 'test.yaml', env: {}, base: tmpdir() }).config.automations).toEqual(all);
});

test('bounds, from both sides', () => {
  expect(of({ missed: 'skip' }).missed).toBe('skip');
  expect(accepted({ missed: 'all' })).toBe(false);
  expect(accepted({ other: 1 })).toBe(false);
  for (const [name, least, most] of [
    ['grace_seconds', 1, 86_400],
    ['per_tenant', 0, 100_000],
    ['kept', 1, 100_000],
    ['try_minutes', 1, 1_380],
  ] as const)
    expect([least - 1, least, most, most + 1].map(value => accepted({ [name]: value }))).toEqual([
      false,
      true,
      true,
      false,
    ]);
});
