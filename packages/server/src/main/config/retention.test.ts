import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { parseConfig } from './load.ts';
import type { RetentionConfig } from './config.ts';

const DAY_MS = 86_400_000;

function of(retention: unknown): RetentionConfig {
  const targets = [
    {
      id: 't',
      vendor: 'v',
      model: 'm',
      cloud: 'aws',
      region: 'r',
      host_check: 'off',
      base_url: 'http://127.0.0.1:1/v1',
    },
  ];
  const text = JSON.stringify({ targets, ...(retention !== undefined && { retention }) });
  return parseConfig(text, { file: 'test.yaml', env: {}, base: tmpdir() }).config.retention;
}

const refused = (retention: unknown): string => {
  try {
    of(retention);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'accepted';
};

test('by default responses live 30 days and conversations for ever', () => {
  for (const given of [undefined, null, {}, { tenants: null }]) {
    const lifetime = { responsesMs: 30 * DAY_MS, conversationsMs: null };
    expect(of(given)).toEqual({ lifetime, sweepMs: 10_000, tenants: new Map() });
  }
});

test('what a tenant is not given of its own is as for all', () => {
  const tenants = { acme: { responses_days: 'none' }, clinic: { conversations_days: 0.5 }, same: {} };
  const { lifetime, tenants: own } = of({ responses_days: 7, conversations_days: 365, sweep_seconds: 0.5, tenants });
  expect(lifetime).toEqual({ responsesMs: 7 * DAY_MS, conversationsMs: 365 * DAY_MS });
  expect(own.get('acme')).toEqual({ responsesMs: null, conversationsMs: 365 * DAY_MS });
  expect(own.get('clinic')).toEqual({ responsesMs: 7 * DAY_MS, conversationsMs: DAY_MS / 2 });
  expect(own.get('same')).toEqual(lifetime);
});

test.each(['responses_days', 'conversations_days'])('%s has bounds on both sides', key => {
  for (const days of [0.00001, 36_500, 'none']) expect(refused({ [key]: days })).toBe('accepted');
  for (const days of [0, 0.000009, -1, 36_501, 'never', true]) expect(refused({ [key]: days })).toMatch(key);
});

test('so have the time between sweeps and the names of tenants', () => {
  for (const seconds of [0.1, 3_600]) expect(refused({ sweep_seconds: seconds })).toBe('accepted');
  for (const seconds of [0.09, 3_601]) expect(refused({ sweep_seconds: seconds })).toMatch('sweep_seconds');
  expect(refused({ tenants: { 'no name!': {} } })).not.toBe('accepted');
  expect(refused({ tenants: { acme: { responses_day: 3 } } })).toMatch('did you mean responses_days');
});
